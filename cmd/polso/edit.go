package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"polso/api"
	"polso/config"
)

func (a *app) editCmd() *cobra.Command {
	var ch change
	c := &cobra.Command{
		Use:   "edit",
		Short: "Edit the running document in $VISUAL or $EDITOR",
		Long: `Edit the running document in $VISUAL, $EDITOR or vi. What is saved is checked, shown as a plan and applied, unless somebody else
applied something meanwhile; then, as with any refusal, the text is kept in a file that is named.`,
		Example: "  polso edit\n  EDITOR=nano polso edit -m \"more servers\"\n  polso edit --yes --wait 30s",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := ch.checked(cmd); err != nil {
				return err
			}
			return a.edit(cmd.Context(), ch)
		},
	}
	ch.flags(c)
	return c
}

func (a *app) edit(ctx context.Context, ch change) error {
	cl, r, doc, err := a.runningDocument(ctx)
	if err != nil {
		return err
	}
	began := config.Editable([]byte(r.Source), doc)
	path, err := temporary(began)
	if err != nil {
		return err
	}
	text, err := a.write(path, began)
	if err != nil {
		return a.kept(err, path)
	}
	if bytes.Equal(text, began) {
		a.tell("Nothing changed.")
		return os.Remove(path)
	}
	ch.start(r.Number, text)
	if err := a.change(ctx, cl, ch); err != nil {
		return a.kept(err, path)
	}
	return os.Remove(path)
}

// temporary writes text to a new file that only its owner may read.
func temporary(text []byte) (string, error) {
	f, err := os.CreateTemp("", "polso-*.hcl")
	if err != nil {
		return "", err
	}
	_, err = f.Write(text)
	return f.Name(), errors.Join(err, f.Close())
}

// kept says where the text is that was not applied, and returns why it was not.
func (a *app) kept(err error, path string) error {
	a.tell("Your text is kept in %s; polso plan -f %s shows what it would change now.", path, path)
	return err
}

// Mistakes stand at the top of the text, where the editor begins, and go when it is read.
const mistakeMark = "#! "

// write lets somebody edit the file until it is a document, or as it was, or left as wrong as it was.
func (a *app) write(path string, began []byte) ([]byte, error) {
	for last := began; ; {
		if err := a.editor(path); err != nil {
			return nil, err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		text = withoutMistakes(text)
		_, wrong := config.Load(config.File{Name: "the document", Text: text})
		switch {
		case wrong == nil, bytes.Equal(text, began):
			return text, os.WriteFile(path, text, 0o600)
		case bytes.Equal(text, last):
			return nil, errors.Join(api.DocumentError(wrong), os.WriteFile(path, text, 0o600))
		}
		if err := os.WriteFile(path, withMistakes(text, wrong), 0o600); err != nil {
			return nil, err
		}
		last = text
	}
}

func withMistakes(text []byte, wrong error) []byte {
	var b bytes.Buffer
	fmt.Fprintln(&b, mistakeMark+"Not applied. Mend it and save; saved as it is, it is given up. These lines go by themselves.")
	for line := range strings.Lines(wrong.Error()) {
		fmt.Fprintln(&b, mistakeMark+strings.TrimRight(line, "\n"))
	}
	return append(b.Bytes(), text...)
}

func withoutMistakes(text []byte) []byte {
	for bytes.HasPrefix(text, []byte(mistakeMark)) {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	return text
}

// editor runs the editor on a file, as a shell does, for it may come with arguments. An interrupt is the editor's own affair.
func (a *app) editor(path string) error {
	program := cmp.Or(a.getenv("VISUAL"), a.getenv("EDITOR"), "vi")
	c := exec.Command("sh", "-c", program+` "$1"`, program, path)
	c.Stdin, c.Stdout, c.Stderr = a.stdin, a.stderr, a.stderr
	if f, ok := a.stdout.(*os.File); ok {
		c.Stdout = f
	}
	if err := c.Run(); err != nil {
		return api.Errorf(api.CodeRefused, "the editor %s failed, and nothing was changed", program).WithReason(err)
	}
	return nil
}
