package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// patience is how long a page may take to show what is waited for, on a machine that does a great deal else. Only a failure takes so long.
const patience = time.Minute

// newBrowser starts Chromium in the client's place in the network. Tabs of its context share it.
func newBrowser(t *testing.T, c *cluster) context.Context {
	t.Helper()
	return startBrowser(t, c.caFile, chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"nsenter", "--net=" + c.Client.Namespace(), cmd.Path}, cmd.Args[1:]...)
		cmd.Path, cmd.Err = exec.LookPath("nsenter")
	}))
}

// startBrowser starts a Chromium that trusts the certificate authority in a file ("": no further one) and nothing else that it would not
// trust anyway: a wrong name, date or signature fails the test.
func startBrowser(t *testing.T, caFile string, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	home := t.TempDir()
	database := "sql:" + filepath.Join(home, ".pki/nssdb")
	must(t, os.MkdirAll(filepath.Join(home, ".pki/nssdb"), 0o700))
	trust := [][]string{{"-N", "--empty-password"}}
	if caFile != "" {
		trust = append(trust, []string{"-A", "-n", "polso", "-t", "C,,", "-i", caFile})
	}
	for _, args := range trust {
		if out, err := exec.Command("certutil", append([]string{"-d", database}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("certutil: %v: %s", err, out)
		}
	}
	program, err := exec.LookPath("chromium")
	must(t, err)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-component-update", true),
		chromedp.UserDataDir(filepath.Join(home, "profile")), chromedp.Env("HOME="+home))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx))
	return ctx
}

// tab is a page of a browser, with cookies of its own. Its methods fail the test that it belongs to.
type tab struct {
	*testing.T
	ctx context.Context

	mu        sync.Mutex // guards below
	complaint []string   // what the browser had to complain about: errors of scripts, of the policy, of loading
}

// newTab opens an empty page. What is wrong with it when the test ends is kept: picture, text, complaints.
func newTab(t *testing.T, browser context.Context) *tab {
	t.Helper()
	b := &tab{T: t}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	b.ctx = ctx
	t.Cleanup(func() {
		b.T = t
		b.clean()
		if t.Failed() {
			b.keep(t.Name())
		}
	})
	must(t, chromedp.Do(ctx))
	return b
}

// step runs a part of a story under its name; the story ends with the first part that fails.
func (b *tab) step(name string, f func()) {
	b.Helper()
	if !b.Run(name, func(t *testing.T) { b.as(t, f) }) {
		b.FailNow()
	}
}

// as runs f as part of a test within the tab's own: what is wrong is that one's.
func (b *tab) as(t *testing.T, f func()) {
	t.Helper()
	whole := b.T
	b.T = t
	defer func() {
		b.clean()
		if t.Failed() {
			b.keep(t.Name())
		}
		b.T = whole
	}()
	f()
}

// listen remembers what the browser complains about.
func (b *tab) listen(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			said, _ := json.Marshal(e.Args)
			text = "console: " + string(said)
		}
	case *runtime.EventExceptionThrown:
		text = "exception: " + e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			text = fmt.Sprintf("%s: %s (%s)", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	}
	if text != "" {
		b.mu.Lock()
		b.complaint = append(b.complaint, text)
		b.mu.Unlock()
	}
}

// clean fails the test if the browser had to complain.
func (b *tab) clean() {
	b.Helper()
	for _, text := range b.complaints("") {
		b.Errorf("the browser complains: %s", text)
	}
}

// drawn waits for the charts of a page that has any.
func (b *tab) drawn() {
	b.Helper()
	b.until("the charts are drawn", `[...document.querySelectorAll("figure[data-chart]")].every(f => f.querySelector("canvas")?.width > 0)`)
}

// complaints takes away what the browser complained about with a text in it.
func (b *tab) complaints(with string) (taken []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var rest []string
	for _, text := range b.complaint {
		if strings.Contains(text, with) {
			taken = append(taken, text)
		} else {
			rest = append(rest, text)
		}
	}
	b.complaint = rest
	return taken
}

// keep leaves what the page looks like in a folder of that name, beside the routers' logs.
func (b *tab) keep(name string) {
	b.Helper()
	folder := filepath.Join(artifacts(), fileName(name))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.Log(err)
		return
	}
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Second)
	defer cancel()
	if picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100)); err == nil {
		_ = os.WriteFile(filepath.Join(folder, "page.png"), picture, 0o644)
	}
	if text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("document.documentElement.outerHTML")); err == nil {
		_ = os.WriteFile(filepath.Join(folder, "page.html"), []byte(text), 0o644)
	}
	b.Logf("what the page was like: %s", folder)
}

// fileName is a name of a test or a page as that of a file.
func fileName(name string) string {
	return strings.NewReplacer("//", "-", "/", "-", "?", "-", "=", "-", "&", "-").Replace(name)
}

// artifacts is where failures leave what explains them.
func artifacts() string {
	if dir := os.Getenv("POLSO_LAB_ARTIFACTS"); dir != "" {
		return dir
	}
	return filepath.Join(os.TempDir(), "polso-web")
}

// open goes to a page, and returns how it was answered.
func (b *tab) open(url string) *network.Response {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*patience)
	defer cancel()
	res, err := chromedp.Run(ctx, chromedp.NavigateResponse(url))
	must(b.T, err)
	return res
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 2*patience)
	defer cancel()
	must(b.T, chromedp.Do(ctx, steps...))
}

// script is the value of a JavaScript expression in the page.
func script[T any](b *tab, expression string, args ...any) T {
	b.Helper()
	v, err := eval[T](b, expression, args...)
	if err != nil {
		b.Fatalf("%v in %.200s", err, expression)
	}
	return v
}

// eval is script for who asks again when it fails. Expressions of several arguments are functions of them.
func eval[T any](b *tab, expression string, args ...any) (T, error) {
	if len(args) > 0 {
		words, err := json.Marshal(args)
		if err != nil {
			panic(err)
		}
		expression = fmt.Sprintf("(%s)(...%s)", expression, words)
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// until waits for an expression to be true.
func (b *tab) until(what, expression string, args ...any) {
	b.Helper()
	began := time.Now()
	for {
		ok, err := eval[bool](b, expression, args...)
		if err == nil && ok {
			return
		}
		if time.Since(began) > patience {
			b.Fatalf("not within %v: %s (%v)", patience, what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// sees waits for a text on the page, as it is read: case and white space count for nothing.
func (b *tab) sees(text string) {
	b.Helper()
	b.until("the page says "+text, `text => document.body.innerText.toLowerCase().replace(/\s+/g, " ").includes(text.toLowerCase())`, text)
}

// lacks fails if a text is on the page.
func (b *tab) lacks(text string) {
	b.Helper()
	if script[bool](b, `text => document.body.innerText.toLowerCase().replace(/\s+/g, " ").includes(text.toLowerCase())`, text) {
		b.Errorf("the page says %q", text)
	}
}

// text is what an element says.
func (b *tab) text(css string) string {
	b.Helper()
	return script[string](b, `css => document.querySelector(css)?.innerText ?? ""`, css)
}

// findPressable is a function of a name and a place: the visible link, button or summary that is so called within the smallest table
// row, list item, form or section that has the place's text, or on the whole page without one.
const findPressable = `(name, place) => {
	const tidy = s => s.replace(/\s+/g, " ").trim().toLowerCase();
	const shown = e => e.checkVisibility({visibilityProperty: true}) && !e.disabled;
	const top = document.querySelector("dialog[open]") ?? document;
	const named = root => [...root.querySelectorAll("a[href], button, summary, input[type=submit]")].filter(shown)
		.find(e => [e.innerText, e.value, e.getAttribute("aria-label")].some(s => s && tidy(s) === tidy(name)));
	if (!place) return named(top);
	return [...top.querySelectorAll("tr, li, p, form, section, article, details, fieldset, dialog, [role]")]
		.filter(e => tidy(e.innerText).includes(tidy(place))).sort((a, b) => a.innerText.length - b.innerText.length).map(named).find(e => e);
}`

// press clicks on the link or button of that name, in the row or part of the page that has the place's text if one is given.
func (b *tab) press(name string, place ...string) {
	b.Helper()
	at := []any{name, strings.Join(place, " ")}
	b.until("there is "+name+" to press", `(...at) => !!(`+findPressable+`)(...at)`, at...)
	spot := script[[]float64](b, `(...at) => {
		const e = (`+findPressable+`)(...at);
		e.scrollIntoView({block: "center", behavior: "instant"});
		const r = e.getClientRects()[0];
		return [r.x + r.width / 2, r.y + r.height / 2];
	}`, at...)
	b.do(chromedp.MouseClickXY(spot[0], spot[1]))
}

// goes is press for what leads to another page, and waits for it.
func (b *tab) goes(name string, place ...string) {
	b.Helper()
	b.leaves(func() { b.press(name, place...) })
}

// leaves waits until what f does has led to another page.
func (b *tab) leaves(f func()) {
	b.Helper()
	script[bool](b, `window.before = true`)
	f()
	b.until("another page", `window.before === undefined && document.readyState === "complete"`)
}

// fill writes into the field with a label; of a list it chooses.
func (b *tab) fill(label, value string) {
	b.Helper()
	b.until("there is a field "+label, `label => {
		const tidy = s => s.replace(/\s+/g, " ").trim().toLowerCase();
		const labels = [...document.querySelectorAll("label")].filter(l => l.control?.checkVisibility());
		const found = labels.find(l => tidy(l.innerText) === tidy(label)) ?? labels.find(l => tidy(l.innerText).startsWith(tidy(label)));
		if (!found) return false;
		found.control.focus();
		found.control.select?.();
		return true;
	}`, label)
	if script[bool](b, `document.activeElement.tagName === "SELECT"`) {
		if !script[bool](b, `value => {
			const list = document.activeElement;
			const option = [...list.options].find(o => o.value === value || o.text.trim() === value);
			if (!option) return false;
			list.value = option.value;
			list.dispatchEvent(new Event("input", {bubbles: true}));
			list.dispatchEvent(new Event("change", {bubbles: true}));
			return true;
		}`, value) {
			b.Fatalf("%s cannot be %q", label, value)
		}
		return
	}
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: value})
		return chromedp.Void{}, err
	})
}

// key presses keys (package kb), wherever the focus is.
func (b *tab) key(keys string) {
	b.Helper()
	b.do(chromedp.KeyEvent(keys))
}

// colours is what a person has asked their browser for.
type colours string

const (
	light colours = "light"
	dark  colours = "dark"
)

// prefers makes the browser ask for light or dark pages.
func (b *tab) prefers(c colours) {
	b.Helper()
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: string(c)}},
		})
		return chromedp.Void{}, err
	})
}

// width makes the window so wide, in CSS pixels, and waits until a person would see it so: 320 is what 400 % makes of 1280. Charts fit
// themselves to the window in the frame after it has changed.
func (b *tab) width(pixels int64) {
	b.Helper()
	b.do(chromedp.EmulateViewport(pixels, 900))
	script[bool](b, `new Promise(seen => requestAnimationFrame(() => requestAnimationFrame(() => seen(true))))`)
}

// signIn signs in on the page that asks for it.
func (b *tab) signIn(user, password string) {
	b.Helper()
	b.fill("User", user)
	b.fill("Password", password)
	b.goes("Sign in")
}

// state waits until a live value says a word.
func (b *tab) state(key, word string) {
	b.Helper()
	b.until(key+" is "+word, `(key, word) => [...document.querySelectorAll("[data-k]")].some(e => e.dataset.k === key && e.innerText.toUpperCase().includes(word))`, key, word)
}

// replace changes the text that is edited.
func (b *tab) replace(old, with string) {
	b.Helper()
	if !script[bool](b, `(old, now) => {
		const field = document.querySelector("textarea");
		const before = field.value;
		field.value = before.replace(old, now);
		return field.value !== before;
	}`, old, with) {
		b.Fatalf("the text that is edited has no %q", old)
	}
}

// window chooses how long a change waits to be confirmed; the page offers minutes, /v1 takes seconds.
func (b *tab) window(d time.Duration) {
	b.Helper()
	script[bool](b, `seconds => {
		const list = document.getElementById("confirm");
		list.options[1].value = seconds;
		list.value = seconds;
		return true;
	}`, d.Seconds())
}

// tabTo moves the focus by the tabulator until it is on what has that name.
func (b *tab) tabTo(name string) {
	b.Helper()
	for range 200 {
		b.key(kb.Tab)
		if script[string](b, `document.activeElement.innerText ?? ""`) == name {
			return
		}
	}
	b.Fatalf("the tabulator does not come to %s", name)
}
