// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "storage/model/expected.hpp"
#include "supervision/heart/address.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum {

/// Text that never reaches a log, `inspect` or an error message: printing it gives "(secret)".
class secret {
public:
  secret() = default;
  explicit secret(std::string text) : text_(std::move(text)) {}
  /// The text itself, for the one call that needs it.
  const std::string& reveal() const { return text_; }
  bool empty() const { return text_.empty(); }
  bool operator==(const secret&) const = default;

private:
  std::string text_;
};
std::ostream& operator<<(std::ostream& out, const secret& hidden);

/// Where rows live.
struct database_config {
  enum class engine { sqlite, postgresql };
  engine kind = engine::sqlite;
  std::filesystem::path file;      ///< SQLite's file; absolute after load_config
  secret url;                      ///< PostgreSQL's URL: it may hold a password
  std::size_t connections_max = 8; ///< workers; at most 8 connections on PostgreSQL
  std::size_t queue_max = 64;      ///< jobs that wait for a worker; one more is answered 503
  std::chrono::milliseconds wait_max{1000};
  std::chrono::milliseconds statement_timeout{3000};
};

/// What one visitor may ask of the server (the defaults are those of promises; each is a key in lyceum.toml).
struct limits_config {
  std::size_t address_connections_max = 256; ///< per address; loopback is exempt
  std::size_t connections_max = 10'000;
  std::size_t header_bytes_max = 32 * 1024;
  std::size_t sign_in_tries = 8;       ///< wrong ones for one account, an hour; then 10 minutes, doubling to 12 hours
  std::size_t sign_in_peer_tries = 20; ///< the same of one address that asks
  std::size_t sign_in_mails_hour = 99; ///< asked for and not used, by everybody together
  std::size_t body_bytes_max = 1024 * 1024;
  std::size_t sessions_max = 256; ///< requests that are being handled at once; one more is answered 503
  std::size_t connection_requests_max = 1000;
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds idle_timeout{30'000};
  std::chrono::milliseconds body_timeout{60'000};
  std::size_t body_rate_min = 500;                 ///< bytes a second on average, after 10 s
  std::chrono::milliseconds write_timeout{30'000}; ///< without progress
  std::chrono::milliseconds request_timeout{4000}; ///< then 504
};

/// How mail leaves. Without a host it is kept in the development mailbox (on loopback), or held.
struct mail_config {
  enum class encryption { start_tls, implicit, none }; ///< none: only to a host on this machine
  std::string host;                                    ///< a name or an address (IPv6 without brackets); empty: none
  std::uint16_t port = 587;
  encryption how = encryption::start_tls;
  std::string user; ///< empty: no login
  secret password;
  bool log_in_plainly = true; ///< AUTH PLAIN; else LOGIN
  std::string ca_file;        ///< PEM; empty: the system's
  std::size_t connections = 2;
  std::string from_name;
  std::string from_address;      ///< set where `host` is
  std::string reply_to;          ///< an address, or empty
  std::size_t per_second = 0;    ///< 0: no limit
  std::size_t per_day = 0;       ///< 0: no limit
  secret alert_webhook;          ///< where alerts are posted; its path often holds a password
  std::chrono::minutes late{10}; ///< a mail that waits longer raises an alert
  std::string alert_address;     ///< operators: alerts and the daily mail; empty: nobody is written to
  std::string sns_topic;         ///< ARN of the topic that reports bounces and complaints; empty: none is heard
};

enum class log_level { debug, info, warn, error };
enum class log_format { automatic, text, json }; ///< automatic: text on a terminal, JSON lines elsewhere

/// Everything that a person can set. Built by load_config; all paths are absolute.
struct config {
  std::optional<std::filesystem::path> content; ///< the folder of Markdown; absent: serve what the database holds
  bool replace_content = false;                 ///< a data folder filled from another content folder may be emptied
  bool watch = true;                            ///< follow changes in the content folder while serving
  std::filesystem::path data;                   ///< ./lyceum-data
  std::optional<std::filesystem::path> file;    ///< the lyceum.toml that was read, if any

  database_config database;
  std::vector<heart::address> listen{{"127.0.0.1", 8080}};
  std::string base_url;                       ///< no slash at its end; empty: default_base_url of the first address
  std::string security_contact;               ///< a URI for /.well-known/security.txt; empty: that is 404
  std::optional<std::filesystem::path> theme; ///< a folder whose templates and assets replace ours by name
  std::size_t threads = 0;                    ///< I/O loops; load_config puts the number of cores here
  std::size_t renderers = 2;
  std::filesystem::path control; ///< the control socket; data/control.sock
  std::string control_group;     ///< its members may operate (restart, kill …) over the control socket; empty: nobody
  bool no_heart = false;         ///< systemd (or nobody) does the heart's work

  std::size_t page_cache_bytes_max = std::size_t{256} * 1024 * 1024;
  std::string access_log; ///< "off", "stdout", or an absolute file name (data/log/access.jsonl)
  std::size_t access_log_bytes_max = std::size_t{64} * 1024 * 1024;
  std::size_t access_log_files_max = 4;
  lyceum::log_level log_level = log_level::info;
  lyceum::log_format log_format = log_format::automatic;

  limits_config limits;
  mail_config mail;
  std::chrono::milliseconds drain_timeout{10'000}; ///< after SIGTERM; then what still runs is cut and the status is 70

  std::chrono::milliseconds upgrade_timeout{
      60'000}; ///< from the start of an upgrade's server until it is ready; then given up

  std::vector<std::string> warnings; ///< to be told at start: LYCEUM_ variables that mean nothing

  std::filesystem::path run_dir() const { return data / "run"; }
};

/// The base URL where nobody states one: "http://" and the address as bound. One that stands for every interface (0.0.0.0, [::])
/// becomes "localhost": it is no address that a visitor could use.
std::string default_base_url(std::string_view bound);

/// One value that somebody gave: key, text, and who said so ("--listen", "LYCEUM_LISTEN", "lyceum.toml:3").
struct setting {
  std::string key;
  std::vector<std::string> values; ///< more than one only for `listen`
  std::string origin;
};
using config_flags = std::vector<setting>;
using environment_map = std::map<std::string, std::string>;

/// A key of lyceum.toml, for the man page and for `nearest`.
struct config_key {
  std::string_view name;
  std::string_view fallback; ///< the default, in words
  std::string_view about;
};
std::span<const config_key> config_keys();

/// The process's own environment.
environment_map read_environment();

/// Defaults, then lyceum.toml (the flag `config`, else LYCEUM_CONFIG, else data/lyceum.toml where it exists), then the
/// environment (LYCEUM_ + the key in capitals; DATABASE_URL, SMTP_URL and PORT, which give way to LYCEUM_DATABASE,
/// LYCEUM_SMTP_URL and LYCEUM_LISTEN), then flags. Relative paths are relative to the file that names them, else to the working folder.
/// Touches no file but lyceum.toml, and creates nothing.
///   invalid    a key that is not known (the nearest known one is named), a value that cannot be, with origin and line
///   not_found  the file that was asked for is not there
expected<config> load_config(const config_flags& flags, const environment_map& environment);

} // namespace lyceum
