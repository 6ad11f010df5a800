//go:build !linux

package chromium

import "testing"

func freeze(*testing.T, []browserProcess) {}

func lives(browserProcess) bool { return false }
