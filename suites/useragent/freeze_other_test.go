//go:build !linux

package useragent

import "testing"

func freeze(*testing.T, []browserProcess) {}

func lives(browserProcess) bool { return false }
