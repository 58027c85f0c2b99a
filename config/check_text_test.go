package config

import "testing"

const checksText = `virtual "web" {
  address      = "192.0.2.10"
  ports        = [80, "8000-8100"]
  sorry_server "spare" {
    address = "10.0.0.9"
    check "tcp" {}
  }
  persistent {}

  check "all" { # both
    every = "5s"
    check "https" { path = "/a" }
  }
  server "a" {
    address = "10.0.0.1"
    check "script" {
      command = ["/bin/probe", "a, b"]
    }
  }
}
`

func TestCheckText(t *testing.T) {
	text, err := CheckText([]byte(checksText), KindVirtual, "web")
	if want := "check \"all\" { # both\n  every = \"5s\"\n  check \"https\" { path = \"/a\" }\n}"; err != nil || text != want {
		t.Fatalf("%v, %q, want %q", err, text, want)
	}
	for value, want := range map[string]string{
		text: "",
		"check \"any\" {\n  check \"tcp\" {}\n}\n": "-  check \"all\" { # both|-    every = \"5s\"|-    check \"https\" { path = \"/a\" }|+  check \"any\" {|+    check \"tcp\" {}",
	} {
		got, err := Rewrite([]byte(checksText), Edit{Set, KindVirtual, "web", []string{"check=" + value}})
		if diff := lineDiff(checksText, string(got)); err != nil || diff != want {
			t.Errorf("%v, %s", err, diff)
		}
	}
	got, err := Rewrite([]byte(handWritten), Edit{Set, KindServer, "web/a", []string{"check=check \"tcp\" {\n  port = 8080\n}"}})
	if want := "+    check \"tcp\" {|+      port = 8080|+    }"; err != nil || lineDiff(handWritten, string(got)) != want {
		t.Errorf("%v, %s", err, got)
	}
	for _, bad := range []string{"check", "check \"tcp\" {", "check \"tcp\" {}\nport = 80", "check \"tcp\" {}\ncheck \"tcp\" {}"} {
		if got, err := Rewrite([]byte(checksText), Edit{Set, KindVirtual, "web", []string{"check=" + bad}}); err == nil {
			t.Errorf("%q is taken: %s", bad, got)
		}
	}
}
