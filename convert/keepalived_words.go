package convert

import "strings"

// The reasons that many statements share.
const (
	kaNoVRRP   = "no longer needed: Polso has no VRRP"
	kaAnnounce = "no longer needed: the director announces its addresses itself"
	kaNoScript = "no longer needed: a notify block runs a program when something happens, as a user of its own"
	kaNoEvent  = "Polso tells nothing of it; see what a notify block can tell of"
	kaNoFile   = "a number in a file moved the priority; a router_check asks whether a file is there, or holds a text, and polso drain router takes one out"
	kaNoBFD    = "Polso has no BFD; a router_check pings a neighbour"
	kaNoRoutes = "Polso sets no routes; let the router's own configuration do it"
	kaProcess  = "about keepalived's own processes"
	kaNoSNMP   = "Polso has no SNMP"
)

// kaVocabulary is every word that has no counterpart, by the block it stands in.
type kaVocabulary struct {
	root, global, instance, syncGroup, virtual, server, check, url map[string]kaSaid
}

func newKaVocabulary() kaVocabulary {
	return kaVocabulary{
		root: kaRootWords(), global: kaGlobalWords(), instance: kaInstanceWords(), syncGroup: kaSyncGroupWords(),
		virtual: kaVirtualWords(), server: kaServerWords(), check: kaCheckWords(), url: kaURLWords(),
	}
}

// idle are the words that no document needs, for any router.
func (v kaVocabulary) idle() map[string]bool {
	idle := make(map[string]bool)
	for _, words := range []map[string]kaSaid{v.global, v.instance} {
		for word, said := range words {
			if said.level == Hint {
				idle[word] = true
			}
		}
	}
	return idle
}

// kaTable joins lists of words that share a reason.
func kaTable(parts ...map[string]kaSaid) map[string]kaSaid {
	all := make(map[string]kaSaid)
	for _, part := range parts {
		for word, w := range part {
			all[word] = w
		}
	}
	return all
}

func kaWords(level Level, what, words string) map[string]kaSaid {
	part := make(map[string]kaSaid)
	for word := range strings.FieldsSeq(words) {
		part[word] = kaSaid{level, what}
	}
	return part
}

// kaRootWords are statements and blocks at the top level.
func kaRootWords() map[string]kaSaid {
	return kaTable(
		kaWords(Lost, kaNoFile, "vrrp_track_file track_file"),
		kaWords(Lost, kaNoBFD, "bfd_instance"),
		kaWords(Lost, "a group of scripts is written out where it is tracked", "track_group"),
		kaWords(Lost, kaNoRoutes, "static_routes static_rules"),
		kaWords(Lost, "an address that stays on one router is that router's own configuration", "static_ipaddress"),
		kaWords(Lost, "start the agent in the namespace", "net_namespace net_namespace_ipvs"),
		kaWords(Hint, kaAnnounce, "garp_group"),
		kaWords(Hint, kaProcess, "namespace_with_ipsets use_pid_dir instance child_wait_time linkbeat_use_polling linkbeat_interfaces"),
		kaWords(Changed, "a link is down as soon as the kernel says so", "interface_up_down_delays"),
	)
}

// kaGlobalWords are statements of global_defs. What begins with vrrp_ and is not there is VRRP's.
func kaGlobalWords() map[string]kaSaid {
	return kaTable(
		kaWords(Hint, "a mail is sent as the router's own host name says", "smtp_helo_name"),
		kaWords(Hint, "no longer needed: faults are not told of", "no_email_faults"),
		kaWords(Hint, "no longer needed: a router's name is that of its agent (--name)", "router_id"),
		kaWords(Hint, "no longer needed: the agent adopts the kernel's table and changes only what differs", "lvs_flush lvs_flush_on_stop lvs_flush_onstop"),
		kaWords(Hint, kaNoScript, "enable_script_security set_supplementary_groups use_symlink_paths startup_script_timeout shutdown_script_timeout"),
		kaWords(Lost, "let the agent's service unit run it", "startup_script shutdown_script"),
		kaWords(Lost, "a notify block runs a program for each event, or posts it to a webhook; there is no fifo", "notify_fifo notify_fifo_script vrrp_notify_fifo vrrp_notify_fifo_script lvs_notify_fifo lvs_notify_fifo_script"),
		kaWords(Hint, kaNoScript, "fifo_write_vrrp_states_on_reload rs_init_notifies"),
		kaWords(Hint, kaAnnounce, "vrrp_garp_master_delay vrrp_garp_master_repeat vrrp_garp_master_refresh vrrp_garp_master_refresh_repeat vrrp_garp_lower_prio_delay vrrp_garp_lower_prio_repeat vrrp_garp_interval vrrp_gna_interval vrrp_min_garp vrrp_garp_extra_if vrrp_vmac_garp_intvl"),
		kaWords(Hint, kaProcess, `process_names process_name checker_process_name lvs_process_name bfd_process_name checker_priority checker_no_swap checker_rt_priority
			checker_cpu_affinity checker_rlimit_rttime checker_rlimit_rtime bfd_priority bfd_no_swap bfd_rt_priority bfd_cpu_affinity bfd_rlimit_rttime bfd_rlimit_rtime
			lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force process_monitor_rcv_bufs
			process_monitor_rcv_bufs_force umask random_seed reload_check_config reload_time_file reload_repeat reload_file include_check config_save_dir
			tmp_config_directory data_use_instance json_version iproute_usr_dir iproute_etc_dir state_dump_file stats_dump_file json_dump_file instance
			use_pid_dir child_wait_time dynamic_interfaces disable_local_igmp checker_log_all_failures linkbeat_use_polling default_interface
			max_auto_priority min_auto_priority_delay v3_checksum_as_v2 log_unknown_vrids vmac_prefix vmac_addr_prefix`),
		kaWords(Lost, kaNoSNMP, "snmp_socket enable_traps enable_snmp_vrrp enable_snmp_keepalived enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 enable_snmp_checker"),
		kaWords(Hint, kaNoSNMP, "snmp_vs_stats_update_interval snmp_rs_stats_update_interval"),
		kaWords(Lost, "Polso is not on D-Bus", "enable_dbus"),
		kaWords(Hint, "Polso is not on D-Bus", "dbus_service_name dbus_no_interface_name"),
		kaWords(Hint, "no longer needed: a group becomes virtuals of its own", "nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark"),
		kaWords(Hint, kaNoVRRP, "nftables nftables_priority nftables_ifindex nftables_counters"),
	)
}

// kaInstanceWords are statements of a vrrp_instance.
func kaInstanceWords() map[string]kaSaid {
	return kaTable(
		kaWords(Hint, kaNoVRRP, `virtual_router_id version mcast_src_ip unicast_src_ip unicast_peer unicast_ttl unicast_fault_no_peer check_unicast_src
			mcast_dst_ip old_unicast_checksum v3_checksum_as_v2 native_ipv6 down_timer_adverts lower_prio_no_advert higher_prio_send_advert
			skip_check_adv_addr strict_mode owner_ignore_adverts kernel_rx_buf_size thread_timer_expired timer_expired_backup track_src_ip
			no_virtual_ipaddress promote_secondaries debug linkbeat_use_polling vmac_xmit_base accept`),
		kaWords(Hint, "no longer needed: routers know each other by certificates", "authentication auth_hmac"),
		kaWords(Hint, kaAnnounce, "garp_master_delay garp_master_refresh garp_master_repeat garp_master_refresh_repeat garp_lower_prio_delay garp_lower_prio_repeat garp_extra_if vmac_garp_intvl"),
		kaWords(Hint, "cluster { prefer } says who should direct, and failback whether the addresses go back to it", "state priority"),
		kaWords(Hint, "with cluster { failback = true } the addresses go back, a minute after the router is fit", "preempt preempt_delay"),
		kaWords(Changed, "an address has its router's own MAC address, and moves by announcing", "use_vmac use_vmac_addr use_ipvlan"),
		kaWords(Changed, "the director answers at its addresses", "no_accept"),
		kaWords(Changed, "a link that carries an address counts", "dont_track_primary"),
		kaWords(Lost, "an address goes on a link of the agent's namespace", "vrf"),
		kaWords(Lost, kaNoFile, "track_file"),
		kaWords(Lost, kaNoBFD, "track_bfd"),
		kaWords(Lost, kaNoEvent, "notify_deleted notify_master_rx_lower_pri"),
		kaWords(Hint, kaNoEvent, "notify_priority_changes"),
		kaWords(Lost, kaNoRoutes, "virtual_routes virtual_rules"),
	)
}

// kaSyncGroupWords are statements of a vrrp_sync_group.
func kaSyncGroupWords() map[string]kaSaid {
	return kaTable(
		kaWords(Hint, "no longer needed: all addresses move together", "group global_tracking sync_group_tracking_weight"),
		kaWords(Lost, kaNoFile, "track_file"),
		kaWords(Lost, kaNoBFD, "track_bfd"),
		kaWords(Hint, kaNoEvent, "notify_priority_changes"),
	)
}

// kaVirtualWords are statements of a virtual_server.
func kaVirtualWords() map[string]kaSaid {
	return kaTable(
		kaWords(Hint, "a router that stops tells inactive, and nothing of its servers", "omega"),
		kaWords(Hint, "every router asks the servers, whether it holds the addresses or not", "ha_suspend"),
		kaWords(Hint, "Polso spreads the first probes by itself", "warmup"),
		kaWords(Hint, "keepalived has no such word any more", "nat_mask hashed"),
	)
}

// kaServerWords are statements of a real_server.
func kaServerWords() map[string]kaSaid {
	return kaTable(
		kaWords(Hint, "Polso spreads the first probes by itself", "warmup"),
	)
}

// kaCheckWords are statements of a checker.
func kaCheckWords() map[string]kaSaid {
	return kaTable(
		kaWords(Lost, "a check goes out as the routing table says", "bindto bind_if bind_port fwmark"),
		kaWords(Hint, "Polso spreads the first probes by itself", "warmup"),
		kaWords(Hint, "status and the server's reason say it", "log_all_failures"),
		kaWords(Hint, "no longer needed: every path is asked each time", "fast_recovery"),
		kaWords(Hint, "about how a connection ends", "tls_compliant"),
	)
}

// kaURLWords are statements of a url block.
func kaURLWords() map[string]kaSaid {
	return kaTable(
		kaWords(Changed, "a check makes no digest, and the status decides alone; contains asks for a text in the page, matches for an expression", "digest"),
		kaWords(Changed, "the page is searched from its beginning, 64 KiB of it", "regex_min_offset regex_max_offset"),
		kaWords(Hint, "about how an expression is looked for", "regex_stack"),
		kaWords(Hint, "about how a connection ends", "tls_compliant"),
	)
}
