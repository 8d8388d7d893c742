// SPDX-License-Identifier: Apache-2.0
#include "http/routes/ops_data.hpp"

#include <algorithm>
#include <charconv>

namespace lyceum::http::ops_data {
namespace {

constexpr std::size_t told_max = 64;
constexpr std::size_t done_max = 256;

} // namespace

std::optional<id> number(std::string_view text) {
  id n = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), n);
  return bad == std::errc{} && end == text.data() + text.size() && n > 0 ? std::optional(n) : std::nullopt;
}

void acts::carry_out(const order& what, const operator_session& who, const reply_ptr& reply,
                     std::function<void(const std::string& why)> refused) {
  if (!first(what.form)) // the second of two clicks
    return static_cast<void>(reply->fulfil(ops_frame::see_other(what.back)));
  desk_->data.act(
      what.command, what.words, who,
      [me = shared_from_this(), what, who, reply, refused = std::move(refused)](const console_desk::outcome& got) {
        if (!got.ok) {
          me->forget(what.form);
          return refused(got.text);
        }
        me->tell(who, got.text);
        reply->fulfil(ops_frame::see_other(what.back));
      });
}

std::string acts::told(const operator_session& who) {
  const std::lock_guard lock(guard_);
  auto one = told_.extract(who.id);
  return one ? std::move(one.mapped()) : std::string();
}

/// False where this very form was sent before.
bool acts::first(const std::string& form) {
  const std::lock_guard lock(guard_);
  if (std::ranges::find(done_, form) != done_.end())
    return false;
  done_.push_back(form);
  if (done_.size() > done_max)
    done_.pop_front();
  return true;
}

void acts::forget(const std::string& form) {
  const std::lock_guard lock(guard_);
  std::erase(done_, form);
}

void acts::tell(const operator_session& who, const std::string& what) {
  const std::lock_guard lock(guard_);
  if (told_.size() >= told_max)
    told_.clear();
  told_[who.id] = what;
}

} // namespace lyceum::http::ops_data
