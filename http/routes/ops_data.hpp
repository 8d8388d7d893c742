// SPDX-License-Identifier: Apache-2.0
// What the console's pages about rows of the database have in common: accounts, mail. Each act is asked about on a page of its own, done as
// the control socket would, once for each form, and what came of it is told on the page that it leads back to.
#pragma once

#include "http/routes/ops_frame.hpp"
#include "storage/model/id.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::http::ops_data {

/// Whether somebody may see whom accounts and mails belong to: a viewer may not.
bool may_read(const operator_session& who);
/// The status of a page that says why something was not done.
int status_of(const console_desk::outcome& why);
/// A positive decimal number.
std::optional<id> number(std::string_view text);

/// What is done from those pages, and remembered of it.
class acts : public std::enable_shared_from_this<acts> {
public:
  explicit acts(std::shared_ptr<const console_desk> desk) : desk_(std::move(desk)) {}

  const console_desk& desk() const { return *desk_; }
  const std::shared_ptr<const console_desk>& whole_desk() const { return desk_; }

  struct order {
    std::string command;            ///< of the control socket
    std::vector<std::string> words; ///< its arguments
    std::string form;               ///< names the form that was sent: it is carried out once
    std::string back;               ///< where it leads
  };
  /// Carries it out. `refused` answers where it was not done, or nobody knows whether it was: then the form is not taken again.
  void carry_out(const order& what, const operator_session& who, const reply_ptr& reply,
                 std::function<void(const console_desk::outcome& why)> refused);
  /// What came of this session's acts that led back to `where`: told once. Empty where there is nothing to tell.
  std::string told(const operator_session& who, const std::string& where);

private:
  bool first(const std::string& form);
  void forget(const std::string& form);
  void tell(const operator_session& who, const std::string& where, const std::string& what);

  struct news {
    std::string session, where, what;
  };
  std::shared_ptr<const console_desk> desk_;
  std::mutex guard_;
  std::deque<news> told_;        ///< not yet; the newest last
  std::deque<std::string> done_; ///< forms
};
using acts_ptr = std::shared_ptr<acts>;

/// What a post of somebody who has entered, from a page of ours, comes to.
std::function<void(const request&, reply_ptr)>
posted(const acts_ptr& at, void (*then)(const acts_ptr&, const request&, const operator_session&,
                                        const ops_frame::form&, const reply_ptr&));

} // namespace lyceum::http::ops_data
