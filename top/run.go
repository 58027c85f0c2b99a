package top

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/gdamore/tcell/v2"

	"polso/api"
)

// Options are what Run shows and where.
type Options struct {
	Ask    func(context.Context) (api.Status, error)
	Every  time.Duration // between an answer and the next question
	Model  Model         // what it begins with
	Colour Colour
}

// Colour says whether the tones have colours; without, they are bold or reversed at most.
type Colour int

// The two.
const (
	NoColour Colour = iota
	InColour
)

// patience is how long the agent has for an answer.
const patience = 10 * time.Second

// Run shows a cluster on the terminal that standard input and output are, until somebody quits or ctx ends. The terminal is left as it was
// found, also when something panics. It sends to it the cells that have changed, and no others.
func Run(ctx context.Context, o Options) error {
	tcell.SetEncodingFallback(tcell.EncodingFallbackASCII)
	tty, err := tcell.NewDevTty()
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	s, err := tcell.NewTerminfoScreenFromTty(tty)
	if err != nil {
		return fmt.Errorf("terminal: %w (TERM is %q)", err, os.Getenv("TERM"))
	}
	return run(ctx, s, o)
}

// answer is what a question came to.
type answer struct {
	status api.Status
	err    error
	at     time.Time
	panic  any // what it panicked with, and where
}

func run(ctx context.Context, s tcell.Screen, o Options) error {
	if err := s.Init(); err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	answers, events, quit := make(chan answer), make(chan tcell.Event), make(chan struct{})
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	defer close(quit)
	defer s.Fini() // first: whoever panics, it is read on a terminal that can be read
	running.Go(func() { s.ChannelEvents(events, quit) })
	running.Go(func() { ask(ctx, o, answers) })

	m := o.Model.Resized(s.Size())
	tick := time.NewTicker(time.Second) // what is stale says how old it is
	defer tick.Stop()
	for {
		draw(s, m.View(time.Now()), o.Colour)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case a := <-answers:
			switch {
			case a.panic != nil:
				panic(a.panic)
			case a.err != nil:
				m = m.Failed(a.err)
			default:
				m = m.Answered(a.status, a.at)
			}
		case e, open := <-events:
			if !open {
				return nil
			}
			var do Action
			switch e := e.(type) {
			case *tcell.EventResize:
				m = m.Resized(e.Size())
			case *tcell.EventKey:
				m, do = m.Pressed(keyOf(e))
			}
			switch do {
			case Quit:
				return nil
			case Repaint:
				s.Sync()
			case Suspend:
				if err := suspend(s); err != nil {
					return err
				}
			}
		}
	}
}

// ask asks again and again, and hands on what it came to.
func ask(ctx context.Context, o Options, answers chan<- answer) {
	for ctx.Err() == nil {
		a := askOnce(ctx, o)
		select {
		case <-ctx.Done():
			return
		case answers <- a:
		}
		wait := time.NewTimer(o.Every)
		select {
		case <-ctx.Done():
		case <-wait.C:
		}
		wait.Stop()
	}
}

func askOnce(ctx context.Context, o Options) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a.panic = fmt.Sprintf("%v\n%s", p, debug.Stack())
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a.status, a.err = o.Ask(ctx)
	a.at = time.Now()
	return a
}

// suspend gives the terminal back to the shell until that goes on with this.
func suspend(s tcell.Screen) error {
	if err := s.Suspend(); err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	if err := syscall.Kill(0, syscall.SIGTSTP); err != nil { // with what it is in a pipe with, as the terminal would
		return fmt.Errorf("stop: %w", err)
	}
	if err := s.Resume(); err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	return nil
}

// draw has the screen show lines. Every cell is written once, with what it is to hold, for it is sent if it is written with anything else.
func draw(s tcell.Screen, lines []Line, c Colour) {
	wide, high := s.Size()
	for y := range high {
		x := 0
		if y < len(lines) {
			for _, span := range lines[y] {
				s.PutStrStyled(x, y, span.Text, style(span.Tone, c))
				x += width(span.Text)
			}
		}
		for ; x < wide; x++ {
			s.Put(x, y, " ", tcell.StyleDefault)
		}
	}
	s.Show()
}

func style(t Tone, c Colour) tcell.Style {
	plain := tcell.StyleDefault
	colours := map[Tone]tcell.Color{Good: tcell.ColorGreen, Warn: tcell.ColorOlive, Bad: tcell.ColorMaroon} // the terminal's own 2, 3 and 1
	switch t {
	case Good, Warn, Bad:
		if c == InColour {
			return plain.Foreground(colours[t])
		}
		return plain.Bold(t == Bad)
	case Strong:
		return plain.Bold(true)
	case Reversed:
		return plain.Reverse(true)
	case Chosen:
		return plain.Reverse(true).Bold(true)
	default:
		return plain
	}
}

// keyOf is a key in this package's words; "" for what has none.
func keyOf(e *tcell.EventKey) Key {
	if e.Key() == tcell.KeyRune {
		return Key(string(e.Rune()))
	}
	return map[tcell.Key]Key{
		tcell.KeyUp: Up, tcell.KeyDown: Down, tcell.KeyLeft: Left, tcell.KeyRight: Right, tcell.KeyPgUp: PageUp, tcell.KeyPgDn: PageDown,
		tcell.KeyHome: Home, tcell.KeyEnd: End, tcell.KeyEnter: Enter, tcell.KeyEsc: Esc, tcell.KeyBackspace: Backspace, tcell.KeyBackspace2: Backspace,
		tcell.KeyCtrlC: Interrupt, tcell.KeyCtrlZ: Stop, tcell.KeyCtrlL: Redraw, tcell.KeyF1: "?", tcell.KeyF10: "q", tcell.KeyF3: "/", tcell.KeyF4: "/",
		tcell.KeyCtrlB: PageUp, tcell.KeyCtrlF: PageDown,
	}[e.Key()]
}
