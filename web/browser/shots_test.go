package browser

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// mostPictures is how many bytes the pictures may have together: they are in the repository.
const mostPictures = 8 << 20

// Screenshots of every page, light and dark, on a desktop and on a phone, into the folder that POLSO_WEB_SHOTS names: `make screenshots`.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("POLSO_WEB_SHOTS")
	if folder == "" {
		t.Skip("writes into docs: run `make screenshots`")
	}
	c := newCluster(t)
	c.furnish(t)
	must(t, os.MkdirAll(folder, 0o755))
	r := c.Routers[0]
	b := newTab(t, newBrowser(t, c))
	total := 0
	shoot := func(name string) {
		b.Helper()
		for _, size := range []struct {
			name  string
			width int64
		}{{"desktop", 1280}, {"phone", 390}} {
			b.width(size.width)
			for _, colours := range []colours{light, dark} {
				b.prefers(colours)
				picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
				must(t, err)
				small, err := shrink(picture)
				must(t, err)
				total += len(small)
				must(t, os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%s-%s.png", name, size.name, colours)), small, 0o644))
			}
		}
	}
	b.open(at(r, "/sign-in"))
	shoot("sign-in")
	b.signIn("admin", password)
	visit := func(paths []string) {
		b.Helper()
		for _, path := range paths {
			b.open(at(r, path))
			b.drawn()
			shoot(fileName(strings.TrimPrefix(path, "/")))
		}
	}
	visit(pages())
	c.enrich(t)
	visit(others())
	for _, s := range states(r) {
		s.reach(b)
		b.drawn()
		shoot("after-" + strings.ReplaceAll(s.name, " ", "-"))
		b.complaints("status of 4") // of what is refused
	}
	t.Logf("%d kB", total>>10)
	if total > mostPictures {
		t.Errorf("the pictures are %d kB together, want less than %d", total>>10, mostPictures>>10)
	}
}

// shrink writes a picture with a palette of the 16 colours that it has most of; the others become the nearest of them.
func shrink(text []byte) ([]byte, error) {
	picture, err := png.Decode(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	count := make(map[color.RGBA]int)
	bounds := picture.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(picture.At(x, y)).(color.RGBA) }
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	var most []color.RGBA
	for c := range count {
		most = append(most, c)
	}
	slices.SortFunc(most, func(a, b color.RGBA) int { return count[b] - count[a] })
	var palette color.Palette
	for _, c := range most[:min(16, len(most))] {
		palette = append(palette, c)
	}
	small := image.NewPaletted(bounds, palette)
	index := make(map[color.RGBA]uint8)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := at(x, y)
			i, ok := index[c]
			if !ok {
				i = uint8(palette.Index(c))
				index[c] = i
			}
			small.SetColorIndex(x, y, i)
		}
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	err = encoder.Encode(&out, small)
	return out.Bytes(), err
}
