// SPDX-License-Identifier: Apache-2.0
#include "supervision/quarantine.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <memory>
#include <utility>

namespace lyceum::supervision {
namespace {

constexpr std::size_t key_max = 120; // what a slot in the file has room for
constexpr auto save_pause = std::chrono::seconds{1};

std::uint64_t hash(std::string_view text, std::uint64_t seed) noexcept { // FNV-1a
  for (const char c : text)
    seed = (seed ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return seed;
}

std::string hex32(std::string_view text) {
  std::array<char, 40> digits{};
  std::snprintf(digits.data(), digits.size(), "%016llx%016llx",
                static_cast<unsigned long long>(hash(text, 0xcbf29ce484222325ULL)),
                static_cast<unsigned long long>(hash(text, 0x9ae16a3b2f90404fULL)));
  return digits.data();
}

/// Keys are compared, so a long one is not cut but summed up.
std::string short_key(std::string key) {
  if (key.size() <= key_max)
    return key;
  return key.substr(0, key_max - 33) + "#" + hex32(key);
}

void cut(std::string& text, std::size_t max) {
  if (text.size() <= max)
    return;
  while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0U) == 0x80U) // never inside a character
    --max;
  text.resize(max);
  text += "…";
}

std::string times(int n) {
  return n == 1 ? "once" : n == 2 ? "twice" : n == 3 ? "three times" : std::to_string(n) + " times";
}

template <class Rows>
auto by_key(Rows& rows, quarantine::kind what, std::string_view key) {
  return std::ranges::find_if(rows, [&](const auto& r) { return r.kind == what && r.key == key; });
}

} // namespace

std::string_view name_of(quarantine::kind what) {
  return what == quarantine::kind::message ? "message" : "work";
}

quarantine::quarantine(limits of) : limits_(std::move(of)), notes_(limits_.inflight) {
  load();
  const auto now = clock::now();
  for (const auto& one : notes_.left()) {
    death found;
    found.path = one.path;
    found.key = one.key;
    found.label = one.label;
    found.request = one.request;
    found.reason = one.signal != 0 ? "the process died of signal " + std::to_string(one.signal) + " in its thread"
                                   : "the process died while it was at work";
    row told;
    told.path = found.path;
    told.label = found.label;
    told.request = found.request;
    told.reason = found.reason;
    if (auto held = count(found, now)) {
      told = *held;
    } else if (const auto it = by_key(suspects_, kind::work, found.key); it != suspects_.end()) {
      told = *it;
    }
    inherited_.push_back(std::move(told));
  }
  if (!notes_.left().empty())
    save(); // first: if this process dies of it again, it is the next death
  notes_.begin_own();
}

quarantine::~quarantine() {
  leaving();
}

std::string quarantine::message_key(std::string_view path, std::string_view text) {
  std::string all(path);
  all += '\0';
  all += text;
  return hex32(all);
}

bool quarantine::holds_messages_of(std::string_view path) const {
  std::lock_guard lock(guard_);
  return std::ranges::any_of(held_, [&](const row& r) { return r.kind == kind::message && r.path == path; });
}

std::string quarantine::refusal_text(const row& of) const {
  const auto what = of.kind == kind::message ? "the message " + of.label + " to " : of.label + ": this work of ";
  return what + of.path + " crashed it " + times(of.crashes) + " and is in quarantine as " + std::to_string(of.id);
}

std::string quarantine::refusal(kind what, std::string_view key) {
  if (!any())
    return {};
  const auto shortened = short_key(std::string(key));
  std::lock_guard lock(guard_);
  const auto it = by_key(held_, what, shortened);
  if (it == held_.end())
    return {};
  ++it->refused;
  return refusal_text(*it);
}

std::optional<quarantine::row> quarantine::died(death of) {
  std::optional<row> now_held;
  {
    std::lock_guard lock(guard_);
    now_held = count(std::move(of), clock::now());
  }
  changed_.store(true, std::memory_order_relaxed); // written by the next beat: a storm of deaths is no storm of fsyncs
  return now_held;
}

std::optional<quarantine::row> quarantine::count(death of, clock::time_point now) {
  of.key = short_key(std::move(of.key));
  cut(of.label, limits_.text_max);
  cut(of.reason, limits_.text_max);
  if (const auto it = by_key(held_, of.kind, of.key); it != held_.end()) { // it was under way already
    ++it->crashes;
    it->last_at = now;
    return std::nullopt;
  }
  row counted;
  if (const auto it = by_key(suspects_, of.kind, of.key); it != suspects_.end()) {
    if (now - it->last_at <= limits_.window)
      counted = std::move(*it);
    suspects_.erase(it);
  }
  if (counted.crashes == 0)
    counted.first_at = now;
  counted.kind = of.kind;
  counted.path = std::move(of.path);
  counted.key = std::move(of.key);
  counted.label = std::move(of.label);
  counted.request = std::move(of.request);
  counted.reason = std::move(of.reason);
  counted.last_at = now;
  counted.payload.reset(); // only the last one's is kept: a suspect pins nothing
  if (++counted.crashes < limits_.crashes_max) {
    suspects_.push_back(std::move(counted));
    while (suspects_.size() > limits_.suspects_max)
      suspects_.pop_front();
    return std::nullopt;
  }
  counted.id = ++ids_;
  counted.payload = std::move(of.payload);
  held_.push_back(counted);
  while (held_.size() > limits_.held_max)
    held_.pop_front();
  held_count_.store(held_.size(), std::memory_order_relaxed);
  return counted;
}

std::vector<quarantine::row> quarantine::held() const {
  std::lock_guard lock(guard_);
  return {held_.rbegin(), held_.rend()};
}

std::vector<quarantine::row> quarantine::suspects() const {
  std::lock_guard lock(guard_);
  return {suspects_.rbegin(), suspects_.rend()};
}

std::optional<quarantine::row> quarantine::find(std::uint64_t id) const {
  std::lock_guard lock(guard_);
  const auto it = std::ranges::find(held_, id, &row::id);
  return it == held_.end() ? std::nullopt : std::optional(*it);
}

std::optional<quarantine::row> quarantine::release(std::uint64_t id) {
  std::optional<row> out;
  {
    std::lock_guard lock(guard_);
    const auto it = std::ranges::find(held_, id, &row::id);
    if (it == held_.end())
      return std::nullopt;
    out = std::move(*it);
    held_.erase(it);
    held_count_.store(held_.size(), std::memory_order_relaxed);
  }
  save();
  return out;
}

void quarantine::beat() {
  notes_.beat();
  const auto now = std::chrono::steady_clock::now();
  if (!changed_.load(std::memory_order_relaxed) || now - saved_at_ < save_pause)
    return;
  saved_at_ = now;
  save();
}

void quarantine::leaving() {
  if (changed_.load(std::memory_order_relaxed))
    save();
  notes_.leaving();
}

// --- work -----------------------------------------------------------------------------------------------------------

namespace {

thread_local std::unique_ptr<work_in_hand> failed_work;

} // namespace

work_note::work_note(quarantine* in, std::string_view path, std::string key, std::string label, std::string request)
    : in_(in), what_{short_key(std::move(key)), std::move(label), std::move(request)},
      thrown_(std::uncaught_exceptions()) {
  if (!in_)
    return;
  why_ = in_->refusal(quarantine::kind::work, what_.key);
  if (!why_.empty()) {
    in_ = nullptr;
    return;
  }
  outer_ = watch_work(&what_);
  outer_slot_ = inflight::mine();
  slot_ = in_->notes().begin(what_.key, what_.label, path, what_.request);
}

work_note::~work_note() {
  if (!in_)
    return;
  watch_work(outer_);
  inflight::end(slot_, outer_slot_);
  if (std::uncaught_exceptions() <= thrown_ || detail::work_has_failed)
    return;
  try {
    failed_work = std::make_unique<work_in_hand>(std::move(what_));
    detail::work_has_failed = true;
  } catch (...) { // no memory to remember it: this death is not counted
  }
}

std::optional<work_in_hand> take_failed_work() {
  if (!std::exchange(detail::work_has_failed, false))
    return std::nullopt;
  std::optional<work_in_hand> taken = std::move(*failed_work);
  failed_work.reset();
  return taken;
}

void detail::drop_failed_work() noexcept {
  work_has_failed = false;
  failed_work.reset();
}

} // namespace lyceum::supervision
