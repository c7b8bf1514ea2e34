package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// logs writes lines in the form of the real proxy: seconds since the start, level, message, fields.
type logs struct {
	mutex sync.Mutex
	start time.Time
	json  bool
	level int
}

var levels = []string{"ERROR", "WARN", "INFO", "DEBUG"}

var out = &logs{start: time.Now(), level: 2}

// configure takes LINKERD2_PROXY_LOG (its first word is the level) and LINKERD2_PROXY_LOG_FORMAT.
func (l *logs) configure(filter, format string) {
	l.json = format == "json"
	first, _, _ := strings.Cut(strings.ToUpper(filter), ",")
	for number, name := range levels {
		if first == name || first == "TRACE" {
			l.level = number
		}
	}
}

func (l *logs) line(level int, format string, values ...any) {
	if level > l.level {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	message := fmt.Sprintf(format, values...)
	since := time.Since(l.start).Seconds()
	if l.json {
		line, _ := json.Marshal(map[string]any{"timestamp": fmt.Sprintf("%.6fs", since), "level": levels[level], "message": message})
		fmt.Fprintln(os.Stderr, string(line))
		return
	}
	fmt.Fprintf(os.Stderr, "[%12.6fs] %5s %s\n", since, levels[level], message)
}

func logError(format string, values ...any) { out.line(0, format, values...) }
func logWarn(format string, values ...any)  { out.line(1, format, values...) }
func logInfo(format string, values ...any)  { out.line(2, format, values...) }
func logDebug(format string, values ...any) { out.line(3, format, values...) }
