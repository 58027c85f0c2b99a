//go:build race

package main

// raceDetector is on: a program starts slowly under it.
const raceDetector = true
