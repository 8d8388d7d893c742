// SPDX-License-Identifier: Apache-2.0
// The quarantine on disk: one JSON object, replaced as a whole.
#include "supervision/crash_log.hpp"
#include "supervision/quarantine.hpp"

#include <boost/json.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace lyceum::supervision {
namespace {

namespace json = boost::json;
using clock = quarantine::clock;

constexpr std::uintmax_t bytes_max = 1024 * 1024; // 356 rows of at most about 1.2 KB are less than half of it

std::int64_t ms_of(clock::time_point at) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(at.time_since_epoch()).count();
}

std::string row_json(const quarantine::row& r) {
  return "{\"id\":" + std::to_string(r.id) + ",\"kind\":" + json_string(name_of(r.kind)) +
         ",\"path\":" + json_string(r.path) + ",\"key\":" + json_string(r.key) + ",\"label\":" + json_string(r.label) +
         ",\"request\":" + json_string(r.request) + ",\"reason\":" + json_string(r.reason) +
         ",\"crashes\":" + std::to_string(r.crashes) + ",\"first_ms\":" + std::to_string(ms_of(r.first_at)) +
         ",\"last_ms\":" + std::to_string(ms_of(r.last_at)) + "}";
}

std::string text(const json::object& o, const char* name) {
  const auto* found = o.if_contains(name);
  return found && found->is_string() ? std::string(found->as_string()) : std::string{};
}

std::int64_t number(const json::object& o, const char* name) {
  const auto* found = o.if_contains(name);
  std::error_code none;
  const auto n = found ? found->to_number<std::int64_t>(none) : 0;
  return none ? 0 : n;
}

quarantine::row read_row(const json::object& o) {
  quarantine::row r;
  r.id = static_cast<std::uint64_t>(number(o, "id"));
  r.kind = text(o, "kind") == "message" ? quarantine::kind::message : quarantine::kind::work;
  r.path = text(o, "path");
  r.key = text(o, "key");
  r.label = text(o, "label");
  r.request = text(o, "request");
  r.reason = text(o, "reason");
  r.crashes = static_cast<int>(number(o, "crashes"));
  r.first_at = clock::time_point(std::chrono::milliseconds{number(o, "first_ms")});
  r.last_at = clock::time_point(std::chrono::milliseconds{number(o, "last_ms")});
  return r;
}

void tell(const std::filesystem::path& file, const std::string& what) {
  std::fprintf(stderr, "quarantine: %s: %s\n", file.c_str(), what.c_str());
}

/// Written beside it, made durable, then put in its place: a reader sees the old one or the new one.
bool replace(const std::filesystem::path& file, const std::string& text) {
  const auto beside = file.string() + ".new";
  const int fd = open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0)
    return false;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto n = write(fd, text.data() + at, text.size() - at);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break;
    at += static_cast<std::size_t>(n);
  }
  const bool whole = at == text.size() && fdatasync(fd) == 0;
  const int why = errno;
  close(fd);
  if (whole && rename(beside.c_str(), file.c_str()) == 0)
    return true;
  errno = whole ? errno : why;
  const int kept = errno;
  unlink(beside.c_str());
  errno = kept;
  return false;
}

} // namespace

void quarantine::load() {
  if (limits_.file.empty())
    return;
  std::error_code none;
  const auto size = std::filesystem::file_size(limits_.file, none);
  if (none)
    return;
  if (size > bytes_max)
    return tell(limits_.file, "too large to be ours; beginning anew");
  std::ifstream from(limits_.file, std::ios::binary);
  const std::string all{std::istreambuf_iterator<char>(from), {}};
  json::error_code bad;
  const auto value = json::parse(all, bad);
  if (bad || !value.is_object())
    return tell(limits_.file, "not readable; beginning anew");
  const auto rows = [&](const char* name, std::size_t max, std::list<row>& to) {
    const auto* list = value.as_object().if_contains(name);
    if (!list || !list->is_array())
      return;
    for (const auto& one : list->as_array())
      if (one.is_object() && to.size() < max)
        if (auto r = read_row(one.as_object()); !r.key.empty() && r.crashes > 0)
          to.push_back(std::move(r));
  };
  rows("suspects", limits_.suspects_max, suspects_);
  rows("held", limits_.held_max, held_);
  for (auto& r : suspects_)
    r.id = 0;
  for (auto& r : held_)
    ids_ = std::max(ids_, r.id);
  for (auto& r : held_)
    if (r.id == 0)
      r.id = ++ids_;
  held_count_.store(held_.size(), std::memory_order_relaxed);
}

void quarantine::save() {
  if (limits_.file.empty())
    return;
  std::lock_guard in_order(saving_); // else an older state could be put over a newer one
  changed_.store(false, std::memory_order_relaxed);
  std::string all = "{\"version\":1,\n\"held\":[";
  {
    std::lock_guard lock(guard_);
    for (const auto& r : held_)
      all += (all.back() == '[' ? "\n" : ",\n") + row_json(r);
    all += "],\n\"suspects\":[";
    for (const auto& r : suspects_)
      all += (all.back() == '[' ? "\n" : ",\n") + row_json(r);
  }
  all += "]}\n";
  if (replace(limits_.file, all)) {
    save_failed_ = false;
  } else if (!std::exchange(save_failed_, true)) {
    tell(limits_.file, std::string("cannot be written (") + std::strerror(errno) + "); counting in memory only");
  }
}

} // namespace lyceum::supervision
