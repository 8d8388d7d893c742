// SPDX-License-Identifier: Apache-2.0
#include "ops/config.hpp"

#include "ops/config_values.hpp"
#include "ops/nearest.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <ostream>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace lyceum {
namespace {

namespace fs = std::filesystem;

/// The words of an error never repeat the value: it may hold a password.
outcome read_database(config& cfg, const value_source& from) {
  std::string_view text = from.text();
  if (text.starts_with("postgresql://") || text.starts_with("postgres://")) {
    cfg.database.kind = database_config::engine::postgresql;
    cfg.database.url = secret(std::string(text));
    cfg.database.file.clear();
    return true;
  }
  if (text.starts_with("sqlite:")) {
    text.remove_prefix(7);
    if (text.starts_with("//"))
      text.remove_prefix(2);
    if (!text.empty()) {
      cfg.database.kind = database_config::engine::sqlite;
      cfg.database.file = (from.folder / text).lexically_normal();
      cfg.database.url = {};
      return true;
    }
  }
  return from.wrong("is postgresql://USER@HOST/NAME or sqlite:FILE");
}

outcome read_listen(config& cfg, const value_source& from) {
  std::vector<heart::address> all;
  for (const auto& text : from.given.values) {
    auto one = heart::parse_address(text);
    if (!one)
      return from.wrong("does not work: " + one.error().detail);
    if (std::ranges::find(all, *one) != all.end() && one->port != 0)
      return from.wrong("names " + one->text() + " twice");
    all.push_back(*one);
  }
  if (all.size() > 16)
    return from.wrong("holds 16 addresses at most");
  cfg.listen = std::move(all);
  return true;
}

outcome read_base_url(config& cfg, const value_source& from) {
  std::string_view text = from.text();
  while (text.ends_with('/'))
    text.remove_suffix(1);
  auto host = text.starts_with("https://")  ? text.substr(8)
              : text.starts_with("http://") ? text.substr(7)
                                            : std::string_view{};
  auto plain = [](char c) {
    return c > ' ' && c < 127 && std::string_view("/?#@\"<>\\^`{|}").find(c) == std::string_view::npos;
  };
  if (host.empty() || host.size() > 255 || !std::ranges::all_of(host, plain))
    return from.wrong("is a scheme and a host, as https://school.example, without a path");
  cfg.base_url = std::string(text);
  return true;
}

outcome read_security_contact(config& cfg, const value_source& from) {
  const auto& text = from.text();
  const bool known = text.starts_with("mailto:") || text.starts_with("https://") || text.starts_with("tel:");
  if (!known || text.size() > 255 || !std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; }))
    return from.wrong("begins with mailto:, https:// or tel:, as mailto:security@school.example");
  cfg.security_contact = text;
  return true;
}

outcome read_access_log(config& cfg, const value_source& from) {
  if (from.text().empty())
    return from.wrong("is off, stdout or a file");
  cfg.access_log = from.text() == "off" || from.text() == "stdout" ? from.text() : from.path().string();
  return true;
}

template <auto Member>
outcome read_optional_path(config& cfg, const value_source& from) {
  return read_path((cfg.*Member).emplace(), from);
}

using in = const value_source&;
const std::array first_rows{
    key_row{{"content", "none", "the folder of Markdown that is the school"}, read_optional_path<&config::content>},
    key_row{{"data", "./lyceum-data", "database, logs, caches, sockets; only with --config, LYCEUM_DATA or --data"},
            [](config& c, in f) { return read_path(c.data, f); }},
    key_row{
        {"database", "sqlite:DATA/lyceum.db", "where rows live: postgresql://USER:PASSWORD@HOST/NAME or sqlite:FILE"},
        read_database},
    key_row{{"database_connections_max", "8", "connections to the database; each has a worker"},
            [](config& c, in f) { return read_count(c.database.connections_max, f, 1, 64); }},
    key_row{{"database_queue_max", "64", "jobs that wait for a connection; one more is answered 503"},
            [](config& c, in f) { return read_count(c.database.queue_max, f, 1, 100'000); }},
    key_row{{"database_wait_max", "1s", "how long a job waits for a connection before it is answered 503"},
            [](config& c, in f) { return read_time(c.database.wait_max, f); }},
    key_row{{"statement_timeout", "3s", "how long one statement may take"},
            [](config& c, in f) { return read_time(c.database.statement_timeout, f); }},
    key_row{{"listen", "127.0.0.1:8080", "addresses to listen on; a list in the file, commas in the environment"},
            read_listen},
    key_row{{"base_url", "http:// and the first address", "how the world calls this site, for absolute links"},
            read_base_url},
    key_row{{"security_contact", "none: 404", "whom security.txt names: mailto:, https:// or tel:"},
            read_security_contact},
    key_row{{"theme", "none", "a folder whose templates and assets replace the built-in ones by name"},
            read_optional_path<&config::theme>},
    key_row{{"threads", "0: one a core", "I/O loops"},
            [](config& c, in f) { return read_count(c.threads, f, 0, 256); }},
    key_row{{"renderers", "2", "workers that turn Markdown into HTML"},
            [](config& c, in f) { return read_count(c.renderers, f, 1, 64); }},
    key_row{{"control", "DATA/control.sock", "the socket of lyceum ctl"},
            [](config& c, in f) { return read_path(c.control, f); }},
    key_row{{"control_group", "none", "the group whose members may operate over the control socket"},
            [](config& c, in f) {
              c.control_group = f.text();
              return c.control_group.empty() ? f.wrong("is the name of a group") : outcome(true);
            }},
    key_row{{"no_heart", "false", "no parent process: systemd holds the sockets and listens for the beat"},
            [](config& c, in f) { return read_bool(c.no_heart, f); }},
    key_row{{"watch", "true", "follow changes in the content folder while serving"},
            [](config& c, in f) { return read_bool(c.watch, f); }},
    key_row{{"page_cache_bytes_max", "256 MiB", "finished pages kept in memory"},
            [](config& c, in f) { return read_bytes(c.page_cache_bytes_max, f, 1024 * 1024); }},
    key_row{{"access_log", "DATA/log/access.jsonl", "off, stdout or a file: a JSON line a request"}, read_access_log},
    key_row{{"access_log_bytes_max", "64 MiB", "size at which the access log begins a new file"},
            [](config& c, in f) { return read_bytes(c.access_log_bytes_max, f, 64 * 1024); }},
    key_row{{"access_log_files_max", "4", "files of the access log that are kept"},
            [](config& c, in f) { return read_count(c.access_log_files_max, f, 1, 1000); }},
    key_row{{"log_level", "info", "debug, info, warn or error"},
            [](config& c, in f) { return read_log_level(c.log_level, f); }},
    key_row{{"log_format", "auto", "text, json, or auto: text on a terminal, JSON lines elsewhere"},
            [](config& c, in f) { return read_log_format(c.log_format, f); }},
    key_row{{"address_connections_max", "256", "connections of one address; loopback is exempt"},
            [](config& c, in f) { return read_count(c.limits.address_connections_max, f, 1, 1'000'000); }},
    key_row{{"connections_max", "10000", "connections at once"},
            [](config& c, in f) { return read_count(c.limits.connections_max, f, 1, 1'000'000); }},
    key_row{{"connection_requests_max", "1000", "requests on one connection, which is then closed"},
            [](config& c, in f) { return read_count(c.limits.connection_requests_max, f, 1, 1'000'000'000); }},
    key_row{{"sessions_max", "256", "requests being handled at once; one more is answered 503"},
            [](config& c, in f) { return read_count(c.limits.sessions_max, f, 1, 100'000); }},
    key_row{
        {"sign_in_tries", "8", "failed tries for one account, an hour; then it waits 10 minutes, doubling to 12 hours"},
        [](config& c, in f) { return read_count(c.limits.sign_in_tries, f, 1, 1'000'000); }},
    key_row{
        {"sign_in_peer_tries", "20", "the same from one address, or an IPv6 /64; raise it for a classroom behind one"},
        [](config& c, in f) { return read_count(c.limits.sign_in_peer_tries, f, 1, 1'000'000); }},
    key_row{{"sign_in_mails_hour", "99", "sign-in mails asked for and not used, by everybody together, an hour"},
            [](config& c, in f) { return read_count(c.limits.sign_in_mails_hour, f, 1, 1'000'000); }},
    key_row{{"header_bytes_max", "32 KiB", "all fields of a request; more is answered 431"},
            [](config& c, in f) { return read_bytes(c.limits.header_bytes_max, f, 1024); }},
    key_row{{"body_bytes_max", "1 MiB", "the body of a request; more is answered 413"},
            [](config& c, in f) { return read_bytes(c.limits.body_bytes_max, f, 1024); }},
    key_row{{"header_timeout", "10s", "from the first byte of a request to the end of its fields"},
            [](config& c, in f) { return read_time(c.limits.header_timeout, f); }},
    key_row{{"idle_timeout", "30s", "how long a connection may wait for its next request"},
            [](config& c, in f) { return read_time(c.limits.idle_timeout, f); }},
    key_row{{"body_timeout", "60s", "how long the body of a request may take to come"},
            [](config& c, in f) { return read_time(c.limits.body_timeout, f); }},
    key_row{{"body_rate_min", "500", "bytes a second at which a body must come, on average, after its first 10 s"},
            [](config& c, in f) { return read_count(c.limits.body_rate_min, f, 0, 1'000'000'000); }},
    key_row{{"write_timeout", "30s", "how long a visitor may take none of an answer before the connection is cut"},
            [](config& c, in f) { return read_time(c.limits.write_timeout, f); }},
    key_row{{"request_timeout", "4s", "how long a request may be handled before it is answered 504"},
            [](config& c, in f) { return read_time(c.limits.request_timeout, f); }},
    key_row{{"drain_timeout", "10s", "how long a stop waits for requests being answered"},
            [](config& c, in f) { return read_time(c.drain_timeout, f); }},
    key_row{{"upgrade_timeout", "60s", "how long the new server of `ctl upgrade` may take until it is ready"},
            [](config& c, in f) { return read_time(c.upgrade_timeout, f); }},
};

const auto rows = [] {
  std::vector<key_row> all(first_rows.begin(), first_rows.end());
  std::ranges::copy(mail_keys(), std::back_inserter(all));
  return all;
}();

const auto keys = [] {
  std::vector<config_key> all;
  std::ranges::transform(rows, std::back_inserter(all), &key_row::key);
  return all;
}();

const key_row* row_of(std::string_view key) {
  auto row = std::ranges::find(rows, key, [](const key_row& each) { return each.key.name; });
  return row == rows.end() ? nullptr : &*row;
}

tl::unexpected<problem> unknown(const std::string& key, const std::string& origin) {
  std::vector<std::string_view> names;
  std::ranges::transform(keys, std::back_inserter(names), &config_key::name);
  return fail(problem::kind::invalid, origin + ": there is no key '" + key + "'" + did_you_mean(key, names));
}

outcome apply(config& cfg, const setting& given, const fs::path& folder) {
  const auto* row = row_of(given.key);
  if (row == nullptr)
    return unknown(given.key, given.origin);
  if (given.values.empty())
    return fail(problem::kind::invalid, given.origin + ": " + given.key + " is empty");
  return row->read(cfg, {given, folder});
}

std::optional<std::string> scalar(const toml::node& node) {
  if (auto text = node.value_exact<std::string>())
    return text;
  if (auto number = node.value_exact<std::int64_t>())
    return std::to_string(*number);
  if (auto flag = node.value_exact<bool>())
    return *flag ? "true" : "false";
  return {};
}

expected<std::vector<setting>> read_file(const fs::path& file) {
  constexpr std::uintmax_t bytes_max = 1024 * 1024;
  std::error_code failed;
  auto size = fs::file_size(file, failed);
  if (failed)
    return fail(problem::kind::not_found, file.string() + ": " + failed.message());
  if (size > bytes_max)
    return fail(problem::kind::invalid, file.string() + ": a configuration is at most 1 MiB");
  std::vector<setting> found;
  try {
    auto table = toml::parse_file(file.string());
    for (auto&& [name, node] : table) {
      setting one{std::string(name.str()), {}, file.string() + ":" + std::to_string(node.source().begin.line)};
      if (row_of(one.key) == nullptr)
        return unknown(one.key, one.origin);
      bool good = true;
      if (const auto* list = node.as_array(); list != nullptr && one.key == "listen") {
        for (const auto& each : *list) {
          auto value = each.value_exact<std::string>();
          good = good && value;
          one.values.push_back(value.value_or(""));
        }
      } else if (auto value = scalar(node)) {
        one.values.push_back(*value);
      } else {
        good = false;
      }
      if (!good)
        return fail(problem::kind::invalid, one.origin + ": " + one.key + " is a text, a whole number or true/false" +
                                                (one.key == "listen" ? ", or a list of texts" : ""));
      found.push_back(std::move(one));
    }
  } catch (const toml::parse_error& error) {
    return fail(problem::kind::invalid, file.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                                            std::string(error.description()));
  }
  return found;
}

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (;;) {
    auto end = std::min(text.find(at), text.size());
    auto part = text.substr(0, end);
    part.remove_prefix(std::min(part.find_first_not_of(' '), part.size()));
    while (part.ends_with(' '))
      part.remove_suffix(1);
    parts.emplace_back(part);
    if (end == text.size())
      return parts;
    text.remove_prefix(end + 1);
  }
}

/// A variable that is set to nothing counts as not set.
const std::string* variable(const environment_map& environment, const std::string& name) {
  auto found = environment.find(name);
  return found == environment.end() || found->second.empty() ? nullptr : &found->second;
}

std::vector<setting> read_variables(const environment_map& environment, std::vector<std::string>& warnings) {
  std::vector<setting> found;
  if (const auto* url = variable(environment, "DATABASE_URL"))
    found.push_back({"database", {*url}, "DATABASE_URL"});
  if (const auto* url = variable(environment, "SMTP_URL"))
    found.push_back({"smtp_url", {*url}, "SMTP_URL"});
  constexpr std::array<std::string_view, 5> others{"LYCEUM_CONFIG", "LYCEUM_CORPUS", "LYCEUM_FAULTS", "LYCEUM_HEART",
                                                   "LYCEUM_STANDBY"};
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("LYCEUM_") || name.starts_with("LYCEUM_TEST_") || value.empty() ||
        std::ranges::find(others, name) != others.end())
      continue;
    auto key = name.substr(7);
    std::ranges::transform(key, key.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (row_of(key) == nullptr)
      warnings.push_back(unknown(key, name).value().detail);
    else
      found.push_back({key, key == "listen" ? split(value, ',') : std::vector{value}, name});
  }
  return found;
}

/// PORT moves the first address, which stays on the interface where it was.
outcome apply_port(config& cfg, const environment_map& environment) {
  const auto* text = variable(environment, "PORT");
  if (text == nullptr || variable(environment, "LYCEUM_LISTEN") != nullptr)
    return true;
  auto port = whole_number(*text);
  if (!port || *port > 65535)
    return fail(problem::kind::invalid, "PORT: '" + *text + "' is not a number up to 65535");
  cfg.listen.front().port = static_cast<std::uint16_t>(*port);
  return true;
}

/// Where lyceum.toml is: said by somebody, or in the data folder.
expected<std::optional<fs::path>> find_file(const config& cfg, const config_flags& flags,
                                            const environment_map& environment, const fs::path& here) {
  std::optional<std::string> named;
  if (const auto* text = variable(environment, "LYCEUM_CONFIG"))
    named = *text;
  for (const auto& flag : flags)
    if (flag.key == "config" && !flag.values.empty())
      named = flag.values.back();
  std::error_code failed;
  if (!named) {
    auto usual = cfg.data / "lyceum.toml";
    return fs::exists(usual, failed) ? std::optional(usual) : std::nullopt;
  }
  auto file = (here / *named).lexically_normal();
  if (!fs::is_regular_file(file, failed))
    return fail(problem::kind::not_found, "--config: there is no file " + file.string());
  return file;
}

/// What follows from the other values.
outcome complete(config& cfg) {
  if (cfg.threads == 0)
    cfg.threads = std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, 256);
  if (cfg.database.kind == database_config::engine::sqlite && cfg.database.file.empty())
    cfg.database.file = cfg.data / "lyceum.db";
  if (cfg.control.empty())
    cfg.control = cfg.data / "control.sock";
  constexpr auto path_max = sizeof(sockaddr_un::sun_path) - 1;
  if (cfg.control.native().size() > path_max)
    return fail(problem::kind::invalid, "the control socket's path has " + std::to_string(cfg.control.native().size()) +
                                            " bytes and may have " + std::to_string(path_max) + ": " +
                                            cfg.control.string() + "; name a shorter one with --control");
  if (cfg.access_log.empty())
    cfg.access_log = (cfg.data / "log" / "access.jsonl").string();
  if (auto wrong = mail_fault(cfg); !wrong.empty())
    return fail(problem::kind::invalid, std::move(wrong));
  return true;
}

} // namespace

std::ostream& operator<<(std::ostream& out, const secret&) {
  return out << "(secret)";
}

std::span<const config_key> config_keys() {
  return keys;
}

std::string default_base_url(std::string_view bound) {
  const auto colon = bound.rfind(':');
  auto host = bound.substr(0, colon);
  const auto port = colon == std::string_view::npos ? std::string_view{} : bound.substr(colon);
  if (host == "0.0.0.0" || host == "[::]")
    host = "localhost";
  return "http://" + std::string(host) + std::string(port == ":80" ? "" : port);
}

environment_map read_environment() {
  environment_map all;
  for (auto** each = environ; each != nullptr && *each != nullptr; ++each) {
    std::string_view line(*each);
    if (auto at = line.find('='); at != std::string_view::npos)
      all.emplace(line.substr(0, at), line.substr(at + 1));
  }
  return all;
}

expected<config> load_config(const config_flags& flags, const environment_map& environment) {
  std::error_code failed;
  auto here = fs::current_path(failed);
  if (failed)
    return fail(problem::kind::not_found, "the working folder is gone: " + failed.message());

  config cfg;
  cfg.data = here / "lyceum-data";
  // Weaker ones first: a flag has the last word.
  auto said = read_variables(environment, cfg.warnings);
  for (const auto& flag : flags)
    if (flag.key == "replace_content")
      cfg.replace_content = true;
    else if (flag.key != "config")
      said.push_back(flag);

  // The data folder comes before the rest: it is where the file is.
  for (const auto& each : said)
    if (auto done = each.key == "data" ? apply(cfg, each, here) : outcome(true); !done)
      return tl::unexpected(done.error());
  auto found_in = cfg.data;
  auto file = find_file(cfg, flags, environment, here);
  if (!file)
    return tl::unexpected(file.error());
  if (*file) {
    cfg.file = **file;
    auto settings = read_file(*cfg.file);
    if (!settings)
      return tl::unexpected(settings.error());
    for (const auto& each : *settings) {
      if (each.key == "data" && cfg.file == found_in / "lyceum.toml")
        return fail(problem::kind::invalid,
                    each.origin + ": data cannot stand in the file that was found in the data folder");
      if (auto done = apply(cfg, each, cfg.file->parent_path()); !done)
        return tl::unexpected(done.error());
    }
  }
  if (auto done = apply_port(cfg, environment); !done)
    return tl::unexpected(done.error());
  for (const auto& each : said)
    if (auto done = apply(cfg, each, here); !done)
      return tl::unexpected(done.error());
  if (auto done = complete(cfg); !done)
    return tl::unexpected(done.error());
  return cfg;
}

} // namespace lyceum
