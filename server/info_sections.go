package server

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"
)

// server is INFO server. The fields that tell how Redis was built have values
// that parse and say nothing.
func (r *infoReport) server() {
	s := r.srv
	up := int64(time.Duration(s.nanos()) / time.Second)
	_, port := s.listenAddr(r.face)
	exe, err := os.Executable()
	if err != nil {
		exe = ""
	}
	r.text("redis_version", RedisVersion)
	r.text("redis_git_sha1", "00000000")
	r.int("redis_git_dirty", 0)
	r.text("redis_build_id", "0000000000000000")
	r.text("redis_mode", r.face.mode())
	r.text("os", systemName())
	r.int("arch_bits", strconv.IntSize)
	r.text("monotonic_clock", "Go runtime")
	r.text("multiplexing_api", "Go runtime")
	r.text("go_version", runtime.Version())
	r.int("process_id", int64(os.Getpid()))
	r.text("process_supervised", "no")
	r.text("run_id", s.runID())
	r.int("tcp_port", int64(port))
	r.int("server_time_usec", time.Now().UnixMicro())
	r.int("uptime_in_seconds", up)
	r.int("uptime_in_days", up/86400)
	r.int("hz", int64(time.Second/rateInterval))
	r.int("configured_hz", int64(time.Second/rateInterval))
	r.int("lru_clock", 0)
	r.text("executable", exe)
	r.text("config_file", s.opt.ConfigFile)
	r.int("io_threads_active", 0)
}

// mode is how the face speaks: INFO's redis_mode and HELLO's mode.
func (f face) mode() string {
	if f == clusterFace {
		return "cluster"
	}
	return "standalone"
}

func (r *infoReport) clients() {
	r.int("connected_clients", int64(r.srv.sessions.count()))
	r.int("cluster_connections", 0)
	r.int("maxclients", int64(r.srv.live.Load().MaxClients))
	r.int("client_recent_max_input_buffer", 0)
	r.int("client_recent_max_output_buffer", 0)
	r.int("blocked_clients", 0)
	r.int("tracking_clients", 0)
	r.int("clients_in_timeout_table", 0)
}

func (r *infoReport) memory() {
	m := r.srv.admin.memory()
	total := systemMemory()
	r.bytes("used_memory", m.used)
	r.bytes("used_memory_rss", m.resident)
	r.bytes("used_memory_peak", m.peak)
	r.text("used_memory_peak_perc", percent(m.used, m.peak))
	r.int("used_memory_overhead", 0)
	r.int("used_memory_startup", 0)
	r.int("used_memory_dataset", 0)
	r.text("used_memory_dataset_perc", "0.00%")
	r.int("allocator_allocated", m.heap)
	r.int("allocator_active", m.used)
	r.int("allocator_resident", m.resident)
	r.bytes("total_system_memory", total)
	r.bytes("used_memory_lua", 0)
	r.bytes("used_memory_scripts", 0)
	r.int("number_of_cached_scripts", 0)
	r.bytes("maxmemory", 0)
	r.text("maxmemory_policy", "noeviction")
	r.float("mem_fragmentation_ratio", ratio(m.resident, m.used), 2)
	r.int("mem_fragmentation_bytes", m.resident-m.used)
	r.int("mem_not_counted_for_evict", 0)
	r.int("mem_replication_backlog", 0)
	r.int("mem_clients_slaves", 0)
	r.int("mem_clients_normal", 0)
	r.int("mem_cluster_links", 0)
	r.int("mem_aof_buffer", 0)
	r.text("mem_allocator", "go")
	r.int("active_defrag_running", 0)
	r.int("lazyfree_pending_objects", 0)
	r.int("lazyfreed_objects", 0)
}

func percent(part, whole int64) string { return fmt.Sprintf("%.2f%%", 100*ratio(part, whole)) }

func ratio(part, whole int64) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}

// persistence speaks of the store's log as Redis speaks of its append-only file:
// there is one, it is always on, and there are no snapshots.
func (r *infoReport) persistence() {
	r.int("loading", 0)
	r.int("async_loading", 0)
	r.int("rdb_changes_since_last_save", 0)
	r.int("rdb_bgsave_in_progress", 0)
	r.int("rdb_last_save_time", r.srv.start.Unix())
	r.text("rdb_last_bgsave_status", "ok")
	r.int("rdb_last_bgsave_time_sec", -1)
	r.int("rdb_current_bgsave_time_sec", -1)
	r.int("rdb_saves", 0)
	r.int("rdb_last_cow_size", 0)
	r.int("aof_enabled", 1)
	r.int("aof_rewrite_in_progress", 0)
	r.int("aof_rewrite_scheduled", 0)
	r.int("aof_last_rewrite_time_sec", -1)
	r.int("aof_current_rewrite_time_sec", -1)
	r.text("aof_last_bgrewrite_status", "ok")
	r.int("aof_rewrites", 0)
	r.text("aof_last_write_status", r.writeStatus())
	r.int("aof_last_cow_size", 0)
}

// writeStatus is err while the store takes no writes.
func (r *infoReport) writeStatus() string {
	if writable := r.srv.opt.Writable; writable != nil && writable() != nil {
		return "err"
	}
	return "ok"
}

func (r *infoReport) stats() {
	s := r.srv
	t := &s.totals
	in, out := s.netBytes()
	rate := s.admin.rates.figures()
	var expired int64
	if e, ok := s.node.(expiryCounter); ok {
		expired = e.ExpiredKeys()
	}
	r.int("total_connections_received", t.connections.Load())
	r.int("total_commands_processed", t.commands.Load())
	r.int("instantaneous_ops_per_sec", int64(rate.commands))
	r.int("total_net_input_bytes", in)
	r.int("total_net_output_bytes", out)
	r.int("total_net_repl_input_bytes", 0)
	r.int("total_net_repl_output_bytes", 0)
	r.float("instantaneous_input_kbps", rate.bytesIn/1024, 2)
	r.float("instantaneous_output_kbps", rate.bytesOut/1024, 2)
	r.text("instantaneous_input_repl_kbps", "0.00")
	r.text("instantaneous_output_repl_kbps", "0.00")
	r.int("rejected_connections", t.rejected.Load())
	r.int("sync_full", 0)
	r.int("sync_partial_ok", 0)
	r.int("sync_partial_err", 0)
	r.int("expired_keys", expired)
	r.text("expired_stale_perc", "0.00")
	r.int("expired_time_cap_reached_count", 0)
	r.int("evicted_keys", 0)
	r.int("evicted_clients", 0)
	r.int("keyspace_hits", t.hits.Load())
	r.int("keyspace_misses", t.misses.Load())
	r.int("pubsub_channels", 0)
	r.int("pubsub_patterns", 0)
	r.int("pubsubshard_channels", 0)
	r.int("latest_fork_usec", 0)
	r.int("total_forks", 0)
	r.int("migrate_cached_sockets", 0)
	r.int("slave_expires_tracked_keys", 0)
	r.int("active_defrag_hits", 0)
	r.int("active_defrag_misses", 0)
	r.int("active_defrag_key_hits", 0)
	r.int("active_defrag_key_misses", 0)
	r.int("tracking_total_keys", 0)
	r.int("tracking_total_items", 0)
	r.int("tracking_total_prefixes", 0)
	r.int("unexpected_error_replies", 0)
	r.int("total_error_replies", t.errors.Load())
}

func (r *infoReport) commandStats() {
	for _, e := range r.srv.table.all {
		st := &e.stats
		calls, rejected := st.calls.Load(), st.rejected.Load()
		if calls == 0 && rejected == 0 {
			continue
		}
		usec := st.nanos.Load() / 1000
		r.text("cmdstat_"+e.cmd.Name, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			calls, usec, ratio(usec, calls), rejected, st.failed.Load()))
	}
}

func (r *infoReport) errorStats() {
	for _, e := range r.srv.admin.errors.all() {
		r.text("errorstat_"+e.code, "count="+strconv.FormatInt(e.count, 10))
	}
}

// latencyStats tells percentiles as the upper bounds of powers of two, for that
// is how finely they are counted.
func (r *infoReport) latencyStats() {
	for _, e := range r.srv.table.all {
		h := e.stats.histogram()
		if h.total == 0 {
			continue
		}
		r.text("latency_percentiles_usec_"+e.cmd.Name, fmt.Sprintf("p50=%.3f,p99=%.3f,p99.9=%.3f",
			h.percentile(50), h.percentile(99), h.percentile(99.9)))
	}
}
