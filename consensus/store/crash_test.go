package store

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// TestMain makes this binary the writer of the crash test, too.
func TestMain(m *testing.M) {
	if dir := os.Getenv("POLSO_CRASH_DIR"); dir != "" {
		fmt.Fprintln(os.Stderr, writeForEver(dir, os.Getenv("POLSO_CRASH_ACK") == "early"))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForEver makes step after step and acknowledges each on its output: once it is done, or early, before it is begun.
func writeForEver(dir string, early bool) error {
	seed, err := strconv.ParseUint(os.Getenv("POLSO_CRASH_SEED"), 10, 64)
	if err != nil {
		return err
	}
	done, err := strconv.Atoi(os.Getenv("POLSO_CRASH_DONE"))
	if err != nil {
		return err
	}
	c, err := openCrasher(dir)
	if err != nil {
		return err
	}
	m := begin(seed, done)
	fmt.Println(m.steps)
	for {
		s := m.next()
		m = m.after(s)
		if early {
			fmt.Println(m.steps)
		}
		if err := c.do(s, m); err != nil {
			return err
		}
		if !early {
			fmt.Println(m.steps)
		}
	}
}

// begin is the image after so many steps.
func begin(seed uint64, steps int) image {
	m := image{seed: seed, wrote: map[uint64]int{}}
	for m.steps < steps {
		m = m.after(m.next())
	}
	return m
}

// crashes kills writers in one directory, one after the other.
type crashes struct {
	dir    string
	ack    string // when they acknowledge: "early", or ""
	random *rand.Rand
	m      image // what is in the store
	id     string
	steps  int // acknowledged in all
}

// crash lets a writer run, kills it at some moment, and looks at what it has left.
func (k *crashes) crash() error {
	acked, err := k.kill()
	if err != nil {
		return err
	}
	for k.m.steps < acked {
		k.m = k.m.after(k.m.next())
		k.steps++
	}
	h, err := OpenHome(k.dir, "n1")
	if err != nil {
		return err
	}
	c := &crasher{home: h}
	defer func() { _ = c.close() }()
	under := k.m.next()
	if !h.Formed() {
		if k.m.steps > 0 && under.deed != forgets {
			return fmt.Errorf("after step %d the node has no cluster", k.m.steps)
		}
		if k.m.steps > 0 && h.Identity().ID == k.id {
			return fmt.Errorf("after step %d the node has forgotten its cluster and kept its identity", k.m.steps)
		}
		return nil
	}
	if err := c.open(); err != nil {
		return fmt.Errorf("after step %d, in %+v: %w", k.m.steps, under, err)
	}
	k.id = h.Identity().ID
	differs := c.differs(k.m)
	if differs == nil {
		return nil
	}
	if after := k.m.after(under); c.differs(after) == nil {
		k.m = after
		return nil
	}
	for _, half := range k.m.halfway(under) {
		if c.differs(half) == nil {
			return nil
		}
	}
	return fmt.Errorf("after step %d, in %+v: %w", k.m.steps, under, differs)
}

// kill runs a writer and returns the last step that it acknowledged. Some are killed while they start.
func (k *crashes) kill() (acked int, err error) {
	binary, err := os.Executable()
	if err != nil {
		return 0, err
	}
	w := exec.Command(binary)
	w.Env = append(os.Environ(), "POLSO_CRASH_DIR="+k.dir, "POLSO_CRASH_ACK="+k.ack,
		fmt.Sprint("POLSO_CRASH_SEED=", k.m.seed), fmt.Sprint("POLSO_CRASH_DONE=", k.m.steps))
	w.Stderr = os.Stderr
	out, err := w.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := w.Start(); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(out)
	acked = k.m.steps
	var timer *time.Timer
	end := func(within time.Duration) {
		timer = time.AfterFunc(time.Duration(k.random.Int64N(int64(within))), func() { _ = w.Process.Kill() })
	}
	if k.random.IntN(8) == 0 {
		end(40 * time.Millisecond)
	}
	for lines.Scan() {
		if timer == nil {
			end(30 * time.Millisecond)
		}
		if acked, err = strconv.Atoi(lines.Text()); err != nil {
			return 0, err
		}
	}
	if timer == nil {
		_ = w.Process.Kill()
	}
	if err := w.Wait(); w.ProcessState.Exited() {
		return 0, fmt.Errorf("the writer ended by itself: %w", err)
	}
	return acked, nil
}

// memory is a directory of a file system in memory, if there is one: what survives the writer is the kernel's either way, and
// many more steps are made in the same time.
func memory(t *testing.T) string {
	dir, err := os.MkdirTemp("/dev/shm", "polso-crash")
	if err != nil {
		return filepath.Join(t.TempDir(), "n1")
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return filepath.Join(dir, "n1")
}

// TestCrash: a writer is killed 500 times at any moment. Whatever it had acknowledged is there, nothing else but the step that
// it was in, and the store opens without complaint. The power stays on: what the kernel has, it writes; TestCopyBetweenWrites
// and bbolt's order of writes are for the rest.
func TestCrash(t *testing.T) {
	if raceEnabled {
		t.Skip("it looks at files, not at memory, and would take long")
	}
	rounds := 500
	if testing.Short() {
		rounds = 60
	}
	const writers = 4
	began := time.Now()
	t.Run("writers", func(t *testing.T) {
		for i := range writers {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				seed := rand.Uint64()
				k := &crashes{dir: memory(t), random: rand.New(rand.NewPCG(seed, 0)), m: begin(seed, 0)}
				for n := range rounds / writers {
					if err := k.crash(); err != nil {
						t.Fatalf("seed %d, crash %d: %v", seed, n, err)
					}
				}
				t.Logf("seed %d: %d crashes, %d steps acknowledged", seed, rounds/writers, k.steps)
			})
		}
	})
	t.Logf("%d crashes in %v", rounds/writers*writers, time.Since(began).Round(time.Millisecond))
}

// TestCrashOfAnEarlyWriter: one that acknowledges before it writes is caught.
func TestCrashOfAnEarlyWriter(t *testing.T) {
	if raceEnabled {
		t.Skip("see TestCrash")
	}
	seed := rand.Uint64()
	k := &crashes{dir: memory(t), ack: "early", random: rand.New(rand.NewPCG(seed, 0)), m: begin(seed, 0)}
	for n := range 200 {
		if err := k.crash(); err != nil {
			t.Logf("crash %d: %v", n, err)
			return
		}
	}
	t.Errorf("seed %d: not caught in 200 crashes", seed)
}
