// SPDX-License-Identifier: Apache-2.0
#include "http/access_log.hpp"

#include "actors/exchange.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace lyceum::http {
namespace {

constexpr std::string_view cache_names[] = {"none", "hit", "miss", "stale"};
constexpr std::size_t flush_at = 256 * 1024;

template <class Number>
void append_number(std::string& to, Number value) {
  std::array<char, 20> digits;
  to.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

/// The last `count` decimal digits, with zeros before.
void append_digits(std::string& to, std::int64_t value, int count) {
  std::array<char, 20> digits;
  for (int i = count; i-- > 0; value /= 10)
    digits[static_cast<std::size_t>(i)] = static_cast<char>('0' + value % 10);
  to.append(digits.data(), static_cast<std::size_t>(count));
}

} // namespace

/// What lines have in common with those before them is written once: a busy second has many of one visitor.
void log_lines::append(std::string& to, const log_entry& e) {
  const auto second = e.time_us / 1'000'000;
  if (second != second_ || day_.empty()) {
    const auto at = std::chrono::sys_seconds(std::chrono::seconds(second));
    const auto day = std::chrono::floor<std::chrono::days>(at);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(at - day);
    second_ = second;
    day_ = "{\"time\":\"";
    append_digits(day_, static_cast<int>(date.year()), 4);
    append_digits(day_ += '-', static_cast<unsigned>(date.month()), 2);
    append_digits(day_ += '-', static_cast<unsigned>(date.day()), 2);
    append_digits(day_ += 'T', time.hours().count(), 2);
    append_digits(day_ += ':', time.minutes().count(), 2);
    append_digits(day_ += ':', time.seconds().count(), 2);
    day_ += '.';
  }
  if (e.peer != peer_ || peer_text_.empty()) {
    peer_ = e.peer;
    peer_text_ = e.peer.text();
  }
  to += day_;
  append_digits(to, e.time_us % 1'000'000, 6);
  to += "Z\",";
  if (e.id != 0) {
    to += "\"id\":\"";
    for (int shift = 60; shift >= 0; shift -= 4)
      to += "0123456789abcdef"[(e.id >> shift) & 15];
    to += "\",";
  }
  to.append("\"peer\":\"").append(peer_text_).append("\",\"method\":\"").append(e.method).append("\",\"target\":\"");
  append_json_escaped(to, readable_target(e.target));
  append_number(to += "\",\"status\":", e.status);
  append_number(to += ",\"bytes\":", e.bytes);
  append_number(to += ",\"duration_us\":", e.duration_us);
  to.append(",\"cache\":\"").append(cache_names[static_cast<unsigned>(e.cache)]).append("\",\"route\":\"");
  append_json_escaped(to, e.route);
  to += "\"}\n";
}

void append_json_escaped(std::string& to, std::string_view text) {
  const auto plain = std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; });
  if (plain) {
    to += text;
    return;
  }
  static constexpr char digits[] = "0123456789abcdef";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (octet < 0x20 || octet >= 0x7F) {
      to.append("\\u00");
      to += digits[octet >> 4];
      to += digits[octet & 15];
    } else {
      to += c;
    }
  }
}

log_ring::log_ring() : data_(new char[bytes]) {}

std::size_t log_ring::filled() const noexcept {
  return static_cast<std::size_t>(written_.load(std::memory_order_relaxed) - read_.load(std::memory_order_relaxed));
}

bool log_ring::put(const log_entry& e) noexcept {
  log_entry copy = e;
  copy.target = e.target.substr(0, text_max);
  copy.route = e.route.substr(0, text_max);
  const auto at = written_.load(std::memory_order_relaxed);
  const auto need = sizeof copy + copy.target.size() + copy.route.size();
  if (at + need - read_.load(std::memory_order_acquire) > bytes)
    return false;
  write(at, &copy, sizeof copy);
  write(at + sizeof copy, copy.target.data(), copy.target.size());
  write(at + sizeof copy + copy.target.size(), copy.route.data(), copy.route.size());
  written_.store(at + need, std::memory_order_release);
  return true;
}

bool log_ring::take(log_entry& e, std::string& texts) {
  const auto at = read_.load(std::memory_order_relaxed);
  if (at == written_.load(std::memory_order_acquire))
    return false;
  read(at, &e, sizeof e);
  texts.resize(e.target.size() + e.route.size());
  read(at + sizeof e, texts.data(), texts.size());
  read_.store(at + sizeof e + texts.size(), std::memory_order_release);
  const std::string_view all(texts);
  e.target = all.substr(0, e.target.size());
  e.route = all.substr(e.target.size());
  return true;
}

void log_ring::write(std::uint64_t at, const void* from, std::size_t n) noexcept {
  if (n == 0)
    return; // an empty view may point nowhere
  const auto start = static_cast<std::size_t>(at % bytes);
  const auto first = std::min(n, bytes - start);
  std::memcpy(data_.get() + start, from, first);
  std::memcpy(data_.get(), static_cast<const char*>(from) + first, n - first);
}

void log_ring::read(std::uint64_t at, void* to, std::size_t n) const noexcept {
  if (n == 0)
    return;
  const auto start = static_cast<std::size_t>(at % bytes);
  const auto first = std::min(n, bytes - start);
  std::memcpy(to, data_.get() + start, first);
  std::memcpy(static_cast<char*>(to) + first, data_.get(), n - first);
}

access_log::access_log(std::string where, std::size_t bytes_max, std::size_t files_max, std::size_t rings)
    : where_(std::move(where)), bytes_max_(bytes_max), files_max_(std::max<std::size_t>(files_max, 1)) {
  static_assert(std::is_trivially_copyable_v<log_entry>, "entries are copied as bytes");
  for (std::size_t i = 0; i < rings; ++i)
    rings_.push_back(std::make_unique<log_ring>());
  if (where_ == "stdout")
    file_ = STDOUT_FILENO;
  else
    open_file();
  if (file_ < 0)
    throw std::runtime_error("cannot write the access log " + where_ + ": " + std::strerror(errno));
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0)
    throw std::runtime_error(std::string("cannot make an eventfd for the access log: ") + std::strerror(errno));
  writer_ = std::thread([this] { run(); });
}

access_log::~access_log() {
  stop_.store(true);
  hurry();
  writer_.join();
  close(wake_);
  if (file_ > STDERR_FILENO)
    close(file_);
}

void access_log::hurry() noexcept {
  const std::uint64_t one = 1;
  if (write(wake_, &one, sizeof one) < 0)
    return; // the counter is full: it is awake
}

void access_log::run() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
  while (true) {
    const bool last = stop_.load();
    bool busy = false;
    try {
      busy = drain();
    } catch (const std::exception&) {
      text_.clear(); // no memory for a line: the lines are lost, the site is not
    }
    if (last)
      return;
    pollfd wait{wake_, POLLIN, 0};
    poll(&wait, 1, busy ? 10 : 200);
    std::uint64_t count = 0;
    if (read(wake_, &count, sizeof count) < 0)
      continue; // nobody was in a hurry
  }
}

bool access_log::drain() {
  bool any = false;
  log_entry e;
  std::string texts;
  for (auto& ring : rings_)
    while (ring->take(e, texts)) {
      any = true;
      lines_.append(text_, e);
      if (text_.size() >= flush_at)
        flush();
    }
  flush();
  return any;
}

void access_log::flush() {
  if (text_.empty())
    return;
  if (where_ != "stdout" && was_moved()) { // by logrotate, or an operator; or it could not be opened the last time
    if (file_ >= 0)
      close(file_);
    open_file();
  }
  if (where_ != "stdout" && file_bytes_ != 0 && file_bytes_ + text_.size() > bytes_max_)
    rotate();
  std::string_view rest = text_;
  while (!rest.empty() && file_ >= 0) {
    const auto n = write(file_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      break; // a full disk costs lines, nothing else
    rest.remove_prefix(static_cast<std::size_t>(n));
    file_bytes_ += static_cast<std::size_t>(n);
  }
  text_.clear();
}

bool access_log::was_moved() const {
  struct stat there {};
  struct stat ours {};
  return file_ < 0 || stat(where_.c_str(), &there) != 0 || fstat(file_, &ours) != 0 || there.st_ino != ours.st_ino ||
         there.st_dev != ours.st_dev;
}

void access_log::open_file() {
  file_ = open(where_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  struct stat info {};
  file_bytes_ = file_ >= 0 && fstat(file_, &info) == 0 ? static_cast<std::size_t>(info.st_size) : 0;
}

void access_log::rotate() {
  if (file_ >= 0)
    close(file_);
  const auto older = [this](std::size_t i) { return i == 0 ? where_ : where_ + '.' + std::to_string(i); };
  for (auto i = files_max_ - 1; i >= 1; --i)
    std::rename(older(i - 1).c_str(), older(i).c_str());
  // The last one has been overwritten. Those of a time when more were kept, and the only one, go at once.
  for (auto i = files_max_ == 1 ? 0 : files_max_; unlink(older(i).c_str()) == 0;)
    ++i;
  open_file();
}

} // namespace lyceum::http
