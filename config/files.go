package config

import (
	"fmt"
	"os"
	"path/filepath"
)

// ReadFiles reads the texts of a document from a file, or from every *.hcl and *.json file of a folder in the order of their names
// (folders below it are not looked into). A folder without one is an error: an empty document would remove everything.
func ReadFiles(path string) ([]File, error) {
	at, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	names := []string{path}
	if at.IsDir() {
		entries, err := os.ReadDir(path) // sorted
		if err != nil {
			return nil, err
		}
		names = nil
		for _, e := range entries {
			if ext := filepath.Ext(e.Name()); (ext == ".hcl" || ext == ".json") && !e.IsDir() {
				names = append(names, filepath.Join(path, e.Name()))
			}
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("folder %s: no file ends in .hcl or .json", path)
		}
	}
	files := make([]File, len(names))
	for i, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		files[i] = File{Name: name, Text: text}
	}
	return files, nil
}
