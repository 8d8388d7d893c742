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

bool may_read(const operator_session& who) {
  return who.role != operator_role::viewer;
}

int status_of(const console_desk::outcome& why) {
  if (why.code == "unavailable" || why.code == "busy")
    return 503;
  if (why.code == "timeout" || why.code == "unknown")
    return 504;
  if (why.code == "forbidden")
    return 403;
  if (why.code == "not_found")
    return 404;
  return why.code == "internal" ? 500 : 409;
}

void acts::carry_out(const order& what, const operator_session& who, const reply_ptr& reply,
                     std::function<void(const console_desk::outcome& why)> refused) {
  if (!first(what.form)) // the second of two clicks
    return static_cast<void>(reply->fulfil(ops_frame::see_other(what.back)));
  desk_->data.act(
      what.command, what.words, who,
      [me = shared_from_this(), what, who, reply, refused = std::move(refused)](const console_desk::outcome& got) {
        if (!got.ok) {
          if (got.code != "timeout" && got.code != "unknown" && got.code != "internal")
            me->forget(what.form);
          return refused(got);
        }
        me->tell(who, what.back, got.text);
        reply->fulfil(ops_frame::see_other(what.back));
      });
}

std::string acts::told(const operator_session& who, const std::string& where) {
  const std::lock_guard lock(guard_);
  std::string all;
  std::erase_if(told_, [&](const news& one) {
    if (one.session != who.id || one.where != where)
      return false;
    all += (all.empty() ? "" : " ") + one.what;
    return true;
  });
  return all;
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

void acts::tell(const operator_session& who, const std::string& where, const std::string& what) {
  const std::lock_guard lock(guard_);
  told_.push_back({who.id, where, what});
  if (told_.size() > told_max)
    told_.pop_front();
}

std::function<void(const request&, reply_ptr)>
posted(const acts_ptr& at, void (*then)(const acts_ptr&, const request&, const operator_session&,
                                        const ops_frame::form&, const reply_ptr&)) {
  return ops_frame::guarded(at->whole_desk(),
                            [at, then](const request& asked, const operator_session& who, const ops_frame::form& fields,
                                       const reply_ptr& reply) { then(at, asked, who, fields, reply); });
}

} // namespace lyceum::http::ops_data
