package loadgen

import (
	"fmt"
	"os"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// writeHistograms writes the histograms of the measured window as a log that
// every HDR tool reads: microseconds, one line for each, with a tag. Logs of
// several machines can be merged line by line.
func (r *run) writeHistograms(path string, t *tally) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("the histogram log: %w", err)
	}
	defer f.Close()
	w := hdrhistogram.NewHistogramLogWriter(f)
	from := r.start.UnixMilli() + r.from.Load()/1e6
	to := r.start.UnixMilli() + r.to.Load()/1e6
	if err := w.OutputLogFormatVersion(); err != nil {
		return err
	}
	if err := w.OutputComment("[microseconds from the intended send time]"); err != nil {
		return err
	}
	if err := w.OutputStartTime(from); err != nil {
		return err
	}
	if err := w.OutputLegend(); err != nil {
		return err
	}
	line := func(tag string, h *hdrhistogram.Histogram) {
		if err != nil || h == nil || h.TotalCount() == 0 {
			return
		}
		h.SetTag(strings.ReplaceAll(tag, " ", "_"))
		h.SetStartTimeMs(from)
		h.SetEndTimeMs(to)
		err = w.OutputIntervalHistogram(h)
	}
	for k := range kinds {
		line(k.String(), t.all(k))
		for o := range outcomes {
			line(k.String()+"/"+o.String(), t.Latency[k][o])
		}
	}
	line("time_to_token", t.TimeToToken)
	line("token_excess", t.Excess)
	line("generator_lateness", t.Lateness)
	line("connection_wait", t.Wait)
	if err != nil {
		return fmt.Errorf("the histogram log: %w", err)
	}
	return f.Close()
}
