package browser

import (
	"net"
	"net/http"
	"strings"
	"testing"

	"polso/lab"
)

// What the other tests rely on to fail is tried on a page that has everything wrong.
func TestWhatIsWrongIsSeen(t *testing.T) {
	needWeb(t)
	l, err := lab.New(t.Context(), lab.Options{Routers: 1, Beside: []string{}, Behind: []string{}})
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	const page = `<!doctype html><html lang="en"><head><title>Wrong</title><meta name="viewport" content="width=device-width"></head>
<body><h1 style="color: red">Wrong</h1><img src="/x.png"><div id="wide">wide</div><script>throw new Error("inline")</script><script src="/x.js"></script></body></html>`
	must(t, l.Client.Do(func() error {
		listener, err := net.Listen("tcp", "127.0.0.1:8000")
		if err != nil {
			return err
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/x.js":
				w.Header().Set("Content-Type", "text/javascript")
				_, _ = w.Write([]byte(`document.getElementById("wide").style.width = "3000px"; throw new Error("on purpose")`))
			case "/":
				w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'")
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte(page))
			default:
				http.NotFound(w, r)
			}
		})}
		t.Cleanup(func() { server.Close() })
		go func() { _ = server.Serve(listener) }()
		return nil
	}))
	b := newTab(t, newBrowser(t, &cluster{Lab: l}))
	b.width(1280)
	b.open("http://127.0.0.1:8000/")
	b.sees("wide")
	if b.overflow() < 1000 {
		t.Errorf("the page is %d pixels too wide, want more than 1000", b.overflow())
	}
	found := strings.Join(b.violations("{}"), "\n")
	if !strings.Contains(found, "image-alt") {
		t.Errorf("axe says nothing of an image without a text: %s", found)
	}
	for _, want := range []string{"on purpose", "inline style", "inline script"} {
		if len(b.complaints(want)) == 0 {
			t.Errorf("no complaint about: %s", want)
		}
	}
	b.complaints("") // what follows from them
}
