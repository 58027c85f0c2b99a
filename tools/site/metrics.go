package main

import (
	"bytes"
	"html/template"

	"polso/metrics"
)

// metricsPage is the body of the page of every metric.
func metricsPage() (string, error) {
	list, err := metrics.Manual()
	if err != nil {
		return "", err
	}
	t, err := template.ParseFS(own, "templates/metrics.tmpl")
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = t.Execute(&b, list)
	return b.String(), err
}
