// SPDX-License-Identifier: Apache-2.0
#include "supervision/crash_log.hpp"

#include <cstdio>
#include <ctime>
#include <fstream>
#include <system_error>
#include <utility>

namespace lyceum::supervision {
namespace {

void cut(std::string& text, std::size_t max) {
  if (text.size() <= max)
    return;
  while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0U) == 0x80U) // never inside a character
    --max;
  text.resize(max);
  text += "…";
}

/// Length of the UTF-8 character at `at`, or 0 where there is none.
std::size_t character(std::string_view s, std::size_t at) {
  const auto c = static_cast<unsigned char>(s[at]);
  const std::size_t n = c < 0x80                ? 1
                        : c >= 0xC2 && c < 0xE0 ? 2
                        : c >= 0xE0 && c < 0xF0 ? 3
                        : c >= 0xF0 && c < 0xF5 ? 4
                                                : 0;
  if (n == 0 || at + n > s.size())
    return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((static_cast<unsigned char>(s[at + i]) & 0xC0U) != 0x80U)
      return 0;
  if (n == 3) {
    const auto second = static_cast<unsigned char>(s[at + 1]);
    if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F)) // overlong, surrogate
      return 0;
  }
  if (n == 4) {
    const auto second = static_cast<unsigned char>(s[at + 1]);
    if ((c == 0xF0 && second < 0x90) || (c == 0xF4 && second > 0x8F))
      return 0;
  }
  return n;
}

} // namespace

std::string utc_text(std::chrono::system_clock::time_point at) {
  const auto since = at.time_since_epoch();
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const auto n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  char tail[16];
  std::snprintf(tail, sizeof tail, ".%03dZ", static_cast<int>(ms % 1000));
  return std::string(text, n) + tail;
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const auto n = character(text, i);
    const auto c = static_cast<unsigned char>(text[i]);
    if (n == 0) {
      out += "\xEF\xBF\xBD";
      ++i;
      continue;
    }
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x20 || c == 0x7F) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", c);
      out += code;
    } else {
      out += text.substr(i, n);
    }
    i += n;
  }
  out += '"';
  return out;
}

std::string to_json(const crash& c) {
  std::string out = "{\"at\":" + json_string(utc_text(c.at));
  if (c.times > 1)
    out += ",\"last_at\":" + json_string(utc_text(c.last_at));
  const auto text = [&](const char* name, const std::string& value) {
    if (!value.empty())
      out += std::string(",\"") + name + "\":" + json_string(value);
  };
  text("kind", c.kind);
  text("path", c.path);
  out += ",\"generation\":" + std::to_string(c.generation);
  text("reason", c.reason);
  text("type", c.type);
  text("last_message", c.last_message);
  text("work", c.work);
  text("request", c.request);
  text("state", c.state);
  out += ",\"uptime_ms\":" + std::to_string(c.uptime.count());
  out += ",\"mailbox\":" + std::to_string(c.mailbox);
  text("restarts", c.restarts);
  text("decision", c.decision);
  out += ",\"times\":" + std::to_string(c.times) + "}";
  return out;
}

crash_log::crash_log() : crash_log(limits{}) {}

crash_log::crash_log(limits of) : limits_(std::move(of)) {
  if (limits_.file.empty())
    return;
  std::error_code ec;
  if (limits_.file.has_parent_path())
    std::filesystem::create_directories(limits_.file.parent_path(), ec);
  const auto size = std::filesystem::file_size(limits_.file, ec);
  file_bytes_ = ec ? 0 : static_cast<std::size_t>(size);
}

void crash_log::add(crash what) {
  for (auto* text : {&what.reason, &what.last_message, &what.state, &what.type, &what.work, &what.request})
    cut(*text, limits_.text_max);
  if (what.at == std::chrono::system_clock::time_point{})
    what.at = std::chrono::system_clock::now();
  what.last_at = what.at;
  std::lock_guard lock(guard_);
  ++total_;
  for (auto it = kept_.begin(); it != kept_.end(); ++it) {
    if (it->kind != what.kind || it->path != what.path || it->reason != what.reason || it->type != what.type ||
        it->last_message != what.last_message)
      continue;
    what.times = it->times + 1;
    what.at = it->at;
    kept_.erase(it);
    kept_.push_back(what);
    const bool told = (what.times & (what.times - 1)) == 0; // 2, 4, 8 …: a crash loop must not fill the file
    if (told)
      write(what);
    return;
  }
  write(what);
  kept_.push_back(std::move(what));
  while (kept_.size() > limits_.kept)
    kept_.pop_front();
}

void crash_log::write(const crash& what) {
  if (limits_.file.empty())
    return;
  const auto now = std::chrono::steady_clock::now();
  if (file_failed_ && now < retry_at_)
    return;
  auto line = to_json(what) + "\n";
  auto how = std::ios::app | std::ios::binary;
  if (file_bytes_ > 0 && file_bytes_ + line.size() > limits_.file_bytes_max) {
    std::error_code ec;
    std::filesystem::rename(limits_.file, limits_.file.string() + ".1", ec);
    if (ec) // it must not grow: rather begin it anew
      how = std::ios::trunc | std::ios::binary;
    file_bytes_ = 0;
    line_cut_ = false;
  }
  if (line_cut_)
    line.insert(line.begin(), '\n'); // half a line stands there
  std::ofstream to(limits_.file, how);
  to << line << std::flush;
  if (!to) {
    line_cut_ = to.is_open();
    retry_at_ = now + limits_.retry;
    if (!std::exchange(file_failed_, true))
      std::fprintf(stderr, "crash log: cannot write %s; keeping crashes in memory meanwhile\n", limits_.file.c_str());
    return;
  }
  file_failed_ = false;
  line_cut_ = false;
  file_bytes_ += line.size();
}

std::vector<crash> crash_log::recent(std::size_t n) const {
  std::lock_guard lock(guard_);
  std::vector<crash> some;
  for (auto it = kept_.rbegin(); it != kept_.rend() && some.size() < n; ++it)
    some.push_back(*it);
  return some;
}

std::uint64_t crash_log::total() const {
  std::lock_guard lock(guard_);
  return total_;
}

} // namespace lyceum::supervision
