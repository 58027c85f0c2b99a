package vip_test

import (
	"testing"

	"polso/vip/viptest"
)

func TestKernel(t *testing.T) {
	viptest.Run(t, func(t *testing.T, test func(*testing.T, viptest.Bench)) {
		inNamespace(t, func(t *testing.T) { test(t, newWorld(t).Bench) })
	})
}
