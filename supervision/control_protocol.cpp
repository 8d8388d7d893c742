// SPDX-License-Identifier: Apache-2.0
#include "supervision/control_protocol.hpp"

#include "supervision/crash_log.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>

namespace lyceum::supervision {
namespace {

namespace json = boost::json;

constexpr std::size_t id_bytes_max = 128;
constexpr std::size_t args_max = 64;
constexpr std::size_t depth_max = 8;
constexpr milliseconds duration_max{600'000};

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

/// Adds a list of texts to the arguments. False: it is something else, or too long.
bool take_texts(const json::value& from, std::vector<std::string>& to) {
  if (!from.is_array())
    return false;
  for (const auto& one : from.as_array()) {
    if (!one.is_string() || to.size() == args_max || has_nul({one.as_string().data(), one.as_string().size()}))
      return false;
    to.emplace_back(one.as_string());
  }
  return true;
}

/// A whole number from 0 to `most`.
std::optional<std::uint64_t> whole(const json::value& from, std::uint64_t most) {
  const bool fits = from.is_uint64() || (from.is_int64() && from.as_int64() >= 0);
  if (!fits)
    return {};
  const auto n = from.is_uint64() ? from.as_uint64() : static_cast<std::uint64_t>(from.as_int64());
  return n <= most ? std::optional(n) : std::nullopt;
}

/// Reads one member of a request. Not empty: what is wrong with it.
std::string take_member(std::string_view key, const json::value& v, control_line& to) {
  if (key == "id") {
    const bool text = v.is_string() && v.as_string().size() <= id_bytes_max;
    if (!text && !v.is_int64() && !v.is_uint64() && !v.is_null())
      return "\"id\" is a whole number, or a text of at most " + std::to_string(id_bytes_max) + " bytes";
    to.id = json::serialize(v);
  } else if (key == "cmd") {
    if (!v.is_string() || v.as_string().empty() || v.as_string().size() > 64 ||
        has_nul({v.as_string().data(), v.as_string().size()}))
      return "\"cmd\" is the name of a command";
    to.asked.command = std::string(v.as_string());
  } else if (key == "path") {
    if (!v.is_string() || has_nul({v.as_string().data(), v.as_string().size()}))
      return "\"path\" is a text, such as \"cache/page_cache\"";
    to.asked.args.emplace(to.asked.args.begin(), v.as_string());
  } else if (key == "args" || key == "topics") {
    if (!take_texts(v, to.asked.args))
      return "\"" + std::string(key) + "\" is a list of at most " + std::to_string(args_max) + " texts";
  } else if (key == "timeout_ms") {
    const auto ms = whole(v, static_cast<std::uint64_t>(duration_max.count()));
    if (!ms)
      return "\"timeout_ms\" is a whole number from 0 to " + std::to_string(duration_max.count());
    to.asked.timeout = milliseconds{*ms};
  } else if (key == "if_gen") {
    to.asked.if_generation = whole(v, UINT64_MAX);
    if (!to.asked.if_generation)
      return "\"if_gen\" is a generation: a whole number";
  } else {
    return "there is no key " + json_string(key.substr(0, 40)) +
           "; a request has id, cmd, path, args, timeout_ms, if_gen, topics";
  }
  return {};
}

/// Reads `NAME VALUE` or `NAME=VALUE` at `i`. False: it is another argument.
bool option(const std::vector<std::string>& args, std::size_t& i, std::string_view name, std::string& value) {
  const auto& a = args[i];
  if (a == name) {
    value = i + 1 < args.size() ? args[++i] : std::string{};
    return true;
  }
  if (!a.starts_with(name) || a.size() == name.size() || a[name.size()] != '=')
    return false;
  value = a.substr(name.size() + 1);
  return true;
}

} // namespace

std::string_view name_of(control_caller::role r) {
  switch (r) {
  case control_caller::role::viewer:
    return "viewer";
  case control_caller::role::operator_:
    return "operator";
  case control_caller::role::admin:
    return "admin";
  }
  return "nobody";
}

control_line parse_control_line(std::string_view line) {
  control_line got;
  boost::system::error_code bad;
  json::parse_options limits;
  limits.max_depth = depth_max;
  const auto value = json::parse(json::string_view(line.data(), line.size()), bad, {}, limits);
  if (bad || !value.is_object()) {
    got.error = "a line is one JSON object: {\"id\":1,\"cmd\":\"tree\"}";
    return got;
  }
  for (const auto& [key, member] : value.as_object()) {
    auto wrong = take_member({key.data(), key.size()}, member, got);
    if (got.error.empty()) // go on for the id, so that the asker knows which line it was
      got.error = std::move(wrong);
  }
  if (got.error.empty() && got.asked.command.empty())
    got.error = "\"cmd\" is missing";
  if (got.error.empty() && got.asked.args.size() > args_max)
    got.error = "there are more than " + std::to_string(args_max) + " arguments";
  if (!got.error.empty())
    got.asked = {};
  return got;
}

std::string answer_line(std::string_view id, control_answer what) {
  if (!what.code.empty())
    return "{\"id\":" + std::string(id) + ",\"error\":{\"code\":" + json_string(what.code) +
           ",\"detail\":" + json_string(what.detail) + "}}\n";
  std::ranges::replace(what.json, '\n', ' '); // in JSON it can only be a blank between tokens
  return "{\"id\":" + std::string(id) + ",\"ok\":" + what.json + "}\n";
}

std::string event_line(std::string_view id, std::string_view kind, std::string_view members) {
  std::string line = "{";
  if (!id.empty())
    line += "\"id\":" + std::string(id) + ",";
  return line + "\"ev\":" + json_string(kind) + std::string(members) + "}\n";
}

void control_lines::feed(std::string_view octets) {
  if (!too_long_)
    kept_.append(octets);
}

control_lines::step control_lines::next(std::string& line) {
  while (!too_long_) {
    const auto end = kept_.find('\n', looked_);
    const auto length = std::min(end, kept_.size()) - from_;
    if (length > bytes_max_) {
      too_long_ = true;
      kept_ = {};
      from_ = looked_ = 0;
      break;
    }
    if (end == std::string::npos) {
      kept_.erase(0, from_);
      from_ = 0;
      looked_ = kept_.size();
      return step::more;
    }
    auto one = std::string_view(kept_).substr(from_, length);
    from_ = looked_ = end + 1;
    if (one.ends_with('\r'))
      one.remove_suffix(1);
    if (one.empty())
      continue;
    line = one;
    return step::line;
  }
  return step::too_long;
}

std::optional<milliseconds> parse_duration(std::string_view text) {
  std::int64_t n = 0;
  const auto* last = text.data() + text.size();
  const auto [end, bad] = std::from_chars(text.data(), last, n);
  if (bad != std::errc{} || n < 0 || n > duration_max.count())
    return {};
  const std::string_view unit(end, static_cast<std::size_t>(last - end));
  milliseconds time{-1};
  if (unit == "ms")
    time = milliseconds{n};
  else if (unit.empty() || unit == "s")
    time = std::chrono::seconds{n};
  else if (unit == "m")
    time = std::chrono::minutes{n};
  return time >= milliseconds{0} && time <= duration_max ? std::optional(time) : std::nullopt;
}

std::variant<chaos_plan, std::string> parse_chaos(const std::vector<std::string>& args) {
  chaos_plan plan;
  bool all = false;
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string value;
    if (option(args, i, "--every", value)) {
      const auto time = parse_duration(value);
      if (!time || *time < milliseconds{100})
        return "--every is a time from 100ms to 10m";
      plan.every = *time;
    } else if (option(args, i, "--for", value)) {
      const auto time = parse_duration(value);
      if (!time || *time < milliseconds{100})
        return "--for is a time from 100ms to 10m";
      plan.lasting = *time;
    } else if (args[i] == "--all") {
      all = true;
    } else if (args[i] == "stop" && args.size() == 1) {
      plan.stop = true;
    } else if (args[i].starts_with("-") || args[i].empty() || !plan.path.empty()) {
      return "chaos PATH|--all [--every 1s] [--for 60s], or chaos stop";
    } else {
      plan.path = args[i];
    }
  }
  if (!plan.stop && all == !plan.path.empty())
    return "chaos wants a PATH, or --all";
  return plan;
}

std::variant<trace_plan, std::string> parse_trace(const std::vector<std::string>& args) {
  trace_plan plan;
  for (std::size_t i = 0; i < args.size(); ++i) {
    std::string value;
    if (option(args, i, "--for", value)) {
      const auto time = parse_duration(value);
      if (!time || *time < milliseconds{100})
        return "--for is a time from 100ms to 10m";
      plan.lasting = *time;
    } else if (args[i].starts_with("-") || args[i].empty() || !plan.path.empty()) {
      return "trace PATH [--for 10s]";
    } else {
      plan.path = args[i];
    }
  }
  if (plan.path.empty())
    return "trace PATH [--for 10s]";
  return plan;
}

std::optional<unsigned> parse_topics(const std::vector<std::string>& args) {
  static constexpr std::pair<std::string_view, unsigned> known[] = {
      {"exit", topic_exit}, {"restart", topic_restart}, {"report", topic_report}, {"state", topic_state}};
  unsigned topics = 0;
  for (const auto& word : args) {
    const auto* const found = std::ranges::find(known, word, &std::pair<std::string_view, unsigned>::first);
    if (found == std::end(known))
      return {};
    topics |= found->second;
  }
  return topics == 0 ? topic_exit | topic_restart | topic_report | topic_state : topics;
}

} // namespace lyceum::supervision
