package main

import (
	"encoding/csv"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/devicegrant/devicegrant/loadgen"
)

// newWorkloadsCommand lists the shipped plans, or prints one.
func newWorkloadsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "workloads [NAME]",
		Short: "Print the plan of a workload, or list the workloads",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			names := loadgen.Workloads()
			if len(args) == 1 {
				names = args
			}
			for i, name := range names {
				text, err := loadgen.WorkloadText(name)
				if err != nil {
					return err
				}
				if len(names) > 1 {
					if i > 0 {
						cmd.Println()
					}
					cmd.Printf("--- %s\n", name)
				}
				cmd.Print(string(text))
			}
			return nil
		},
	}
}

// newLoadSchemaCommand prints the JSON Schema of load.json.
func newLoadSchemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of load.json",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := cmd.OutOrStdout().Write(loadgen.JSONSchema())
			return err
		},
	}
}

// newRecordsCommand turns the records of a run into CSV.
func newRecordsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "records FILE",
		Short: "Print the records of a run as CSV, one line per request",
		Long: `Print out/records.bin as CSV: one line per request, in the order in which they
ended. Times are in milliseconds since the start of the run. Latency counts from
the intended send time.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return usageError{fmt.Errorf("the records: %w", err)}
			}
			defer f.Close()
			w := csv.NewWriter(cmd.OutOrStdout())
			ms := func(d time.Duration) string { return strconv.FormatFloat(float64(d)/1e6, 'f', 3, 64) }
			row := func(cells ...string) { _ = w.Write(cells) } // Error tells below
			row("device", "poll", "kind", "outcome", "status", "failure", "intended_ms", "dequeued_ms", "written_ms", "answered_ms", "latency_ms", "resent", "measured")
			for r, err := range loadgen.Records(f) {
				if err != nil {
					return usageError{fmt.Errorf("%s: %w", args[0], err)}
				}
				row(strconv.Itoa(int(r.Device)), strconv.Itoa(int(r.Poll)), r.Kind, r.Outcome, strconv.Itoa(int(r.Status)), r.Failure,
					ms(r.Intended), ms(r.Dequeued), ms(r.Written), ms(r.Answered), ms(r.Answered-r.Intended), strconv.FormatBool(r.Resent), strconv.FormatBool(r.Measured))
			}
			w.Flush()
			return w.Error()
		},
	}
}
