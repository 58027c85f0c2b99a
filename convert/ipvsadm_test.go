package convert

import "testing"

func TestIPVSAdm(t *testing.T) { goldens(t, "testdata/ipvsadm/*.txt", IPVSAdm) }

func FuzzIPVSAdm(f *testing.F) { fuzz(f, "testdata/ipvsadm/*.txt", IPVSAdm) }

func TestIPVSAdmRefuses(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"-A -t lvs.example.com:80 -s wlc", `t:1: "lvs.example.com:80" is not an address (Write the table with numbers: ipvsadm -S -n.)`},
		{"-A -t 192.0.2.1:http -s wlc", `t:1: "http" is not a port's number (Write the table with numbers: ipvsadm -S -n.)`},
		{"-A -t 192.0.2.1:80\n\n-a -t 192.0.2.1:80 -r web1:80 -g", `t:3: "web1:80" is not an address (Write the table with numbers: ipvsadm -S -n.)`},
		{"IP Virtual Server version 1.2.1 (size=4096)", `t:1: "IP" is not an option (What is read here is the output of ipvsadm -S -n.)`},
		{"-E -t 192.0.2.1:80 -s rr", `t:1: -E makes no table (What is read here is the output of ipvsadm -S -n.)`},
		{"-e -t 192.0.2.1:80 -r 10.0.0.1 -w 3", `t:1: -e makes no table (What is read here is the output of ipvsadm -S -n.)`},
		{"ipvsadm -L -n", `t:1: -L makes no table (What is read here is the output of ipvsadm -S -n.)`},
		{"ipvsadm", `t:1: there is no command in it (-A, -a) (What is read here is the output of ipvsadm -S -n.)`},
		{"-A -s rr", `t:1: there is no service in it (-t, -u, -f) (What is read here is the output of ipvsadm -S -n.)`},
		{"-A -t 192.0.2.1:80 -u 192.0.2.1:80", `t:1: there are two services in it (What is read here is the output of ipvsadm -S -n.)`},
		{"-A -t 192.0.2.1:80 -s best", `t:1: scheduler "best" is not known (What is read here is the output of ipvsadm -S -n.)`},
		{"-A -t 192.0.2.1:80\n-A -t 192.0.2.1:80", `t:2: service t 192.0.2.1:80 is there twice (What is read here is the output of ipvsadm -S -n.)`},
		{"-a -t 192.0.2.1:80 -r 10.0.0.1", `t:1: service t 192.0.2.1:80 has no -A line above (What is read here is the output of ipvsadm -S -n.)`},
		{"-A -f 0", `t:1: "0" is not a firewall mark (What is read here is the output of ipvsadm -S -n.)`},
		{"-A -t", `t:1: option -t has no value (What is read here is the output of ipvsadm -S -n.)`},
		{"-A -A -t 192.0.2.1:80", `t:1: there are two commands in it, -A and -A (What is read here is the output of ipvsadm -S -n.)`},
		{"-A -t 192.0.2.1:80 -p 0", `t:1: -p 0 is not a number of seconds (What is read here is the output of ipvsadm -S -n.)`},
		{"-A -t 192.0.2.1:80 -p -M 255.0.255.0", `t:1: "255.0.255.0" is not a netmask of one bit or more (What is read here is the output of ipvsadm -S -n.)`},
		{"-A -t 192.0.2.1:80 -w 3", `t:1: option -w does not go with -A (What is read here is the output of ipvsadm -S -n.)`},
		{"--set 1 2", `t:1: --set takes three numbers of seconds (What is read here is the output of ipvsadm -S -n.)`},
	} {
		if _, err := IPVSAdm(File{Name: "t", Text: []byte(tt.text)}); err == nil || err.Error() != tt.want {
			t.Errorf("%s\ngot  %v\nwant %s", tt.text, err, tt.want)
		}
	}
}
