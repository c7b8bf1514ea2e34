package main

import (
	"fmt"
	"strconv"
	"strings"
)

// settings are what the environment asks for.
type settings struct {
	service       string // smiley or color
	protocol      string // http or grpc
	value         string // the smiley or the color that a good answer carries
	pod           string // says in each answer who gave it
	userHeader    string
	errorFraction int   // 0..100, in percent
	delays        []int // milliseconds; one is drawn for each request, none: answer at once
}

var (
	defaults  = map[string]string{"smiley": "Grinning", "color": "blue"}
	protocols = map[string]string{"smiley": "http", "color": "grpc"} // of Faces 2.x
)

// settingsFrom reads NAME=VALUE pairs; the error names every variable that is wrong.
func settingsFrom(environment []string) (settings, error) {
	given := map[string]string{}
	for _, pair := range environment {
		name, value, _ := strings.Cut(pair, "=")
		given[name] = value
	}
	var wrong []string
	refuse := func(format string, values ...any) { wrong = append(wrong, fmt.Sprintf(format, values...)) }

	result := settings{service: given["FACES_SERVICE"], pod: given["HOSTNAME"], userHeader: given["USER_HEADER_NAME"]}
	if result.userHeader == "" {
		result.userHeader = "X-Faces-User"
	}
	if defaults[result.service] == "" {
		refuse("FACES_SERVICE=%q: expected smiley or color; the stand-in has no other role", result.service)
	}
	result.value = given[strings.ToUpper(result.service)]
	if result.value == "" {
		result.value = defaults[result.service]
	}
	result.protocol = given["WORKLOAD_PROTOCOL"]
	if result.protocol == "" {
		result.protocol = protocols[result.service]
	}
	if spoken := result.protocol; spoken != "http" && spoken != protocols[result.service] {
		refuse("WORKLOAD_PROTOCOL=%q: expected http, or grpc for color", spoken)
	}
	if text := given["ERROR_FRACTION"]; text != "" {
		number, err := strconv.Atoi(text)
		if err != nil || number < 0 || number > 100 {
			refuse("ERROR_FRACTION=%q: expected a whole number from 0 to 100", text)
		}
		result.errorFraction = number
	}
	if text := given["DELAY_BUCKETS"]; text != "" {
		for _, part := range strings.Split(text, ",") {
			number, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil || number < 0 {
				refuse("DELAY_BUCKETS=%q: expected milliseconds as in 0,50,100", text)
				break
			}
			result.delays = append(result.delays, number)
		}
	}
	for _, name := range []string{"LATCH_FRACTION", "MAX_RATE"} {
		if text := given[name]; text != "" && strings.Trim(text, "0.") != "" {
			refuse("%s=%q: the stand-in cannot do that; leave it out or 0", name, text)
		}
	}
	if len(wrong) > 0 {
		return settings{}, fmt.Errorf("the environment is refused: %s", strings.Join(wrong, "; "))
	}
	return result, nil
}
