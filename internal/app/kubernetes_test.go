package app

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"birgeoqy.kz/almasu/internal/app/demo"
	"birgeoqy.kz/almasu/internal/pgtest"
	"birgeoqy.kz/almasu/internal/synth"
)

// manifest is the part of a Kubernetes object that the manifests use; other keys are errors.
type manifest struct {
	APIVersion string            `yaml:"apiVersion"`
	Kind       string            `yaml:"kind"`
	Metadata   objectMeta        `yaml:"metadata"`
	Data       map[string]string `yaml:"data"`
	Spec       struct {
		BackoffLimit            int      `yaml:"backoffLimit"`
		TTLSecondsAfterFinished int      `yaml:"ttlSecondsAfterFinished"`
		Replicas                int      `yaml:"replicas"`
		Selector                selector `yaml:"selector"`
		Strategy                struct {
			Type          string `yaml:"type"`
			RollingUpdate struct {
				MaxSurge       int `yaml:"maxSurge"`
				MaxUnavailable int `yaml:"maxUnavailable"`
			} `yaml:"rollingUpdate"`
		} `yaml:"strategy"`
		Template struct {
			Metadata objectMeta `yaml:"metadata"`
			Spec     podSpec    `yaml:"spec"`
		} `yaml:"template"`
		MinAvailable int      `yaml:"minAvailable"`
		PodSelector  selector `yaml:"podSelector"`
		PolicyTypes  []string `yaml:"policyTypes"`
		Ingress      []any    `yaml:"ingress"`
		Egress       []struct {
			Ports []struct {
				Protocol string `yaml:"protocol"`
				Port     int    `yaml:"port"`
			} `yaml:"ports"`
		} `yaml:"egress"`
	} `yaml:"spec"`
}

type objectMeta struct {
	Name      string            `yaml:"name"`
	Namespace string            `yaml:"namespace"`
	Labels    map[string]string `yaml:"labels"`
}

type selector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

type podSpec struct {
	RestartPolicy                 string `yaml:"restartPolicy"`
	AutomountServiceAccountToken  *bool  `yaml:"automountServiceAccountToken"`
	TerminationGracePeriodSeconds int    `yaml:"terminationGracePeriodSeconds"`
	SecurityContext               struct {
		RunAsNonRoot   bool `yaml:"runAsNonRoot"`
		RunAsUser      int  `yaml:"runAsUser"`
		RunAsGroup     int  `yaml:"runAsGroup"`
		FSGroup        int  `yaml:"fsGroup"`
		SeccompProfile struct {
			Type string `yaml:"type"`
		} `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	TopologySpreadConstraints []struct {
		MaxSkew           int      `yaml:"maxSkew"`
		TopologyKey       string   `yaml:"topologyKey"`
		WhenUnsatisfiable string   `yaml:"whenUnsatisfiable"`
		LabelSelector     selector `yaml:"labelSelector"`
	} `yaml:"topologySpreadConstraints"`
	Containers []container `yaml:"containers"`
	Volumes    []struct {
		Name      string `yaml:"name"`
		ConfigMap struct {
			Name string `yaml:"name"`
		} `yaml:"configMap"`
		Secret struct {
			SecretName  string `yaml:"secretName"`
			DefaultMode int    `yaml:"defaultMode"`
		} `yaml:"secret"`
	} `yaml:"volumes"`
}

type container struct {
	Name            string   `yaml:"name"`
	Image           string   `yaml:"image"`
	Args            []string `yaml:"args"`
	SecurityContext struct {
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities             struct {
			Drop []string `yaml:"drop"`
		} `yaml:"capabilities"`
	} `yaml:"securityContext"`
	StartupProbe   *probe `yaml:"startupProbe"`
	ReadinessProbe *probe `yaml:"readinessProbe"`
	LivenessProbe  *probe `yaml:"livenessProbe"`
	Resources      struct {
		Requests map[string]string `yaml:"requests"`
		Limits   map[string]string `yaml:"limits"`
	} `yaml:"resources"`
	VolumeMounts []struct {
		Name      string `yaml:"name"`
		MountPath string `yaml:"mountPath"`
		SubPath   string `yaml:"subPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	Exec struct {
		Command []string `yaml:"command"`
	} `yaml:"exec"`
	PeriodSeconds    int `yaml:"periodSeconds"`
	TimeoutSeconds   int `yaml:"timeoutSeconds"`
	FailureThreshold int `yaml:"failureThreshold"`
}

// manifests reads deploy/kubernetes/manifests.yaml: unknown and repeated keys are errors.
func manifests(t *testing.T) map[string]*manifest {
	t.Helper()
	f, err := os.Open("../../deploy/kubernetes/manifests.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string]*manifest{}
	for dec := yaml.NewDecoder(f, yaml.Strict(), yaml.DisallowUnknownField()); ; {
		var m manifest
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("the manifests: %v", err)
		}
		if m.Metadata.Namespace != "almasu" || m.APIVersion == "" {
			t.Errorf("%s %s: namespace %q, version %q", m.Kind, m.Metadata.Name, m.Metadata.Namespace, m.APIVersion)
		}
		all[m.Kind] = &m
	}
}

// TestKubernetes reads the manifests strictly, holds what makes them safe, and runs the commands that they name on the configuration that they hold.
func TestKubernetes(t *testing.T) {
	all := manifests(t)
	for _, kind := range []string{"ConfigMap", "Job", "Deployment", "PodDisruptionBudget", "NetworkPolicy"} {
		if all[kind] == nil {
			t.Fatalf("there is no %s", kind)
		}
	}
	serving := all["Deployment"]
	checkPod(t, all["ConfigMap"], &all["Job"].Spec.Template.Spec)
	checkPod(t, all["ConfigMap"], &serving.Spec.Template.Spec)
	if app := serving.Spec.Template.Metadata.Labels["app"]; app == "" || serving.Spec.Selector.MatchLabels["app"] != app || all["PodDisruptionBudget"].Spec.Selector.MatchLabels["app"] != app {
		t.Errorf("the labels of the pods, of the Deployment and of the disruption budget differ")
	}
	if r := serving.Spec.Strategy.RollingUpdate; serving.Spec.Replicas < 2 || r.MaxSurge < 1 || r.MaxUnavailable != 0 {
		t.Errorf("%d processes, rolled out %+v", serving.Spec.Replicas, r)
	}
	if p := all["NetworkPolicy"].Spec; len(p.Ingress) > 0 || len(p.Egress) != 1 || !slices.Contains(p.PolicyTypes, "Ingress") || !slices.Contains(p.PolicyTypes, "Egress") {
		t.Errorf("the network policy %+v", p)
	}
	c := serving.Spec.Template.Spec.Containers[0]
	if c.StartupProbe == nil || c.ReadinessProbe == nil || c.LivenessProbe == nil {
		t.Fatal("a probe is missing")
	}

	// The configuration of the ConfigMap, in a folder with what the image, the Secrets and the ConfigMap of peers hold.
	own, platform := pgtest.New(t), pgtest.New(t)
	if err := synth.Load(t.Context(), platform.DB, synth.Options{People: 50, Seed: 2, At: demo.Start}); err != nil {
		t.Fatal(err)
	}
	w := deployment(t, platform.DSN)
	calendars, err := os.ReadFile("../../deploy/birgeoqy/calendars.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{
		"almasu.yaml": all["ConfigMap"].Data["almasu.yaml"], "calendars.yaml": string(calendars), "secrets/store.dsn": own.DSN, "secrets/platform.dsn": platform.DSN,
	} {
		if err := w.Write(name, []byte(data)); err != nil {
			t.Fatal(err)
		}
	}
	for from, to := range map[string]string{"oblast/receipt.pub": "peers/oblast-receipt.pub", "oblast/tls.pem": "peers/oblast-ca.pem"} {
		data, err := os.ReadFile(w.Path(from))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(to, data); err != nil {
			t.Fatal(err)
		}
	}
	local := func(args []string) []string { // as in the container, but for the folder
		out := slices.Clone(args)
		for i, a := range out {
			out[i] = strings.ReplaceAll(a, "/etc/almasu/almasu.yaml", w.Path("almasu.yaml"))
		}
		return append(out, "--clock", w.Now.Format("2006-01-02T15:04:05Z07:00"))
	}
	for _, args := range [][]string{
		all["Job"].Spec.Template.Spec.Containers[0].Args, c.StartupProbe.Exec.Command[1:], c.ReadinessProbe.Exec.Command[1:], c.LivenessProbe.Exec.Command[1:],
		{"check", "--config", "/etc/almasu/almasu.yaml"}, {"schedule", "--config", "/etc/almasu/almasu.yaml"},
	} {
		if stdout, stderr, code := run(t, "almasu", local(args)...); code != 0 {
			t.Errorf("almasu %v: exit code %d\n%s%s", args, code, stdout, stderr)
		}
	}
	serveUntil(t, local(c.Args), `"serving"`)
}

// checkPod holds what every pod has: no rights, pinned images, mounts that exist.
func checkPod(t *testing.T, config *manifest, p *podSpec) {
	t.Helper()
	s := p.SecurityContext
	if !s.RunAsNonRoot || s.RunAsUser != 10001 || s.RunAsGroup != s.FSGroup || s.FSGroup == 0 || s.SeccompProfile.Type != "RuntimeDefault" || p.AutomountServiceAccountToken == nil || *p.AutomountServiceAccountToken {
		t.Errorf("the pod's security: %+v", s)
	}
	volumes := map[string]bool{}
	for _, v := range p.Volumes {
		volumes[v.Name] = true
		if (v.ConfigMap.Name == "") == (v.Secret.SecretName == "") || v.Secret.SecretName != "" && v.Secret.DefaultMode != 0o400 {
			t.Errorf("the volume %+v", v)
		}
	}
	for _, c := range p.Containers {
		name, tag, _ := strings.Cut(c.Image, ":")
		if name == "" || tag == "" || tag == "latest" {
			t.Errorf("the image %q has no version", c.Image)
		}
		if x := c.SecurityContext; !x.ReadOnlyRootFilesystem || x.AllowPrivilegeEscalation == nil || *x.AllowPrivilegeEscalation || !slices.Equal(x.Capabilities.Drop, []string{"ALL"}) {
			t.Errorf("the container's security: %+v", x)
		}
		if c.Resources.Limits["memory"] == "" || c.Resources.Requests["cpu"] == "" {
			t.Errorf("the container's resources: %+v", c.Resources)
		}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] || !m.ReadOnly || !strings.HasPrefix(m.MountPath, "/etc/almasu/") || m.SubPath != "" && config.Data[m.SubPath] == "" {
				t.Errorf("the mount %+v", m)
			}
		}
		for _, probe := range []*probe{c.StartupProbe, c.ReadinessProbe, c.LivenessProbe} {
			if probe != nil && (probe.Exec.Command[0] != "/almasu" || probe.TimeoutSeconds < 5 || probe.FailureThreshold < 3) {
				t.Errorf("the probe %+v", probe)
			}
		}
	}
}
