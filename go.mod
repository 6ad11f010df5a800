module github.com/devicegrant/devicegrant

go 1.26.0

require (
	github.com/HdrHistogram/hdrhistogram-go v1.4.0 // latency histograms of a load run
	github.com/andybalholm/cascadia v1.3.5 // CSS selectors of a profile, on parsed pages
	github.com/chromedp/cdproto v0.159.0 // the protocol types of chromedp
	github.com/chromedp/chromedp v0.23.0 // drives the real browser
	github.com/fatih/color v1.19.0 // terminal colors, NO_COLOR
	github.com/go-jose/go-jose/v4 v4.1.8 // signs and verifies ID tokens and DPoP proofs
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // reads responses under load without allocating
	github.com/jstemmer/go-junit-report/v2 v2.1.0 // JUnit types
	github.com/mattn/go-runewidth v0.0.16 // widths of text on a terminal
	github.com/onsi/ginkgo/v2 v2.34.0 // the specs
	github.com/onsi/gomega v1.44.0 // their assertions
	github.com/owenrumney/go-sarif/v3 v3.3.1 // SARIF types
	github.com/pquerna/otp v1.5.0 // one-time codes of test accounts (RFC 6238)
	github.com/prometheus/client_golang v1.25.0 // load --metrics
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3 // tests: our JSON Schemas accept what we write
	github.com/spf13/cobra v1.10.2 // commands, completions, manual pages
	github.com/spf13/pflag v1.0.9 // its flags
	github.com/vbauerster/mpb/v8 v8.9.3 // progress bars
	golang.org/x/image v0.30.0 // scales screenshots for report.html
	golang.org/x/net v0.62.0 // parses HTML
	golang.org/x/oauth2 v0.37.0 // tests: an independent device client
	golang.org/x/sys v0.49.0 // socket options and counters of the load generator
	golang.org/x/term v0.47.0 // is this a terminal, and how wide
	golang.org/x/time v0.16.0 // the request rate limit of a run
	gopkg.in/yaml.v3 v3.0.1 // profiles, with the line of each value
	rsc.io/qr v0.2.0 // the QR code of the manual driver
)

require (
	github.com/BurntSushi/toml v1.4.1-0.20240526193622-a339e1f7089c // indirect
	github.com/Masterminds/semver/v3 v3.4.0 // indirect
	github.com/VividCortex/ewma v1.2.0 // indirect
	github.com/acarl005/stripansi v0.0.0-20180116102854-5a71ef0e047d // indirect
	github.com/beorn7/perks v1.0.1 // indirect
	github.com/boombuler/barcode v1.0.1-0.20190219062509-6c824513bacc // indirect
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/cpuguy83/go-md2man/v2 v2.0.6 // indirect
	github.com/go-logr/logr v1.4.3 // indirect
	github.com/go-task/slim-sprig/v3 v3.0.0 // indirect
	github.com/google/go-cmp v0.7.0 // indirect
	github.com/google/pprof v0.0.0-20260402051712-545e8a4df936 // indirect
	github.com/inconshreveable/mousetrap v1.1.0 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/munnerz/goautoneg v0.0.0-20191010083416-a7dc8b61c822 // indirect
	github.com/prometheus/client_model v0.6.3 // indirect
	github.com/prometheus/common v0.72.0 // indirect
	github.com/prometheus/procfs v0.22.0 // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/russross/blackfriday/v2 v2.1.0 // indirect
	github.com/xeipuuv/gojsonpointer v0.0.0-20180127040702-4e3ac2762d5f // indirect
	github.com/xeipuuv/gojsonreference v0.0.0-20180127040603-bd5ef7bd5415 // indirect
	github.com/xeipuuv/gojsonschema v1.2.0 // indirect
	go.yaml.in/yaml/v3 v3.0.5 // indirect
	golang.org/x/exp/typeparams v0.0.0-20231108232855-2478ac86f678 // indirect
	golang.org/x/mod v0.41.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/tools v0.51.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
	honnef.co/go/tools v0.8.2 // indirect
)

tool (
	github.com/onsi/ginkgo/v2/ginkgo
	honnef.co/go/tools/cmd/staticcheck
)
