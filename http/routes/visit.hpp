// SPDX-License-Identifier: Apache-2.0
// What the routes about accounts share: who asks by which cookies, forms that only our pages send, mails to an account's owner.
#pragma once

#include "http/forms.hpp"
#include "http/routes/frame.hpp"
#include "http/routes/routes.hpp"
#include "storage/sessions.hpp"
#include "storage/sign_in.hpp"
#include "storage/sign_in_limits.hpp"
#include "views/account_pages.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::http {

/// How long the cookie lasts that tells whether the browser that uses a mailed link is the one that asked for it.
inline constexpr std::chrono::days browser_cookie_life{1};

/// A request of these pages, and its answer in the making. Lives as long as the handler runs.
class visit {
public:
  /// Fails as `draft::begin` does; `unavailable` where the site has no keys.
  static expected<visit> begin(const site_frame& frame, const request& asked, storage::db& db);

  const site_frame& frame;
  const request& asked;
  storage::db& db;
  views::site_view view;

  /// Hash of this browser's cookie. It gets a new one where it has none.
  const std::string& browser();
  /// The token of a form that is sent to `path` (without a language): the session's, or the browser's where none is needed there.
  std::string csrf(std::string_view path);
  bool csrf_holds(std::string_view path, std::string_view given);

  /// "/de" + path.
  std::string in_language(std::string_view path) const;
  /// A path of ours for somebody to go on to, from what they brought.
  static std::string onward(std::string_view brought) { return own_path(brought); }
  std::string say(std::string_view key,
                  std::initializer_list<std::pair<std::string_view, std::string>> values = {}) const;
  std::string say_wait(std::chrono::seconds) const;

  /// The session's cookie from now on: with its new token until `until`; or none.
  void give_session(std::string_view token, unix_time until);
  void take_session();

  /// The page, with the cookies that were set.
  response page(std::string html, int status = 200);
  /// 303 to a path of ours.
  response go(std::string path);
  response notice(int status, std::string_view key,
                  std::initializer_list<std::pair<std::string_view, std::string>> values,
                  const std::vector<views::notice_link>& onward);

  /// Something that a form brings back and nobody but this browser, or this account, can have made or read.
  std::string seal(std::string_view context, std::string_view plain) const;
  std::optional<std::string> open_sealed(std::string_view context, std::string_view sealed) const;

private:
  visit(const site_frame& f, const request& a, storage::db& d, views::site_view v)
      : frame(f), asked(a), db(d), view(std::move(v)) {}

  std::string browser_;
  std::vector<std::string> cookies_;
};

using guest_handler = expected<response> (*)(visit&);
using form_handler = expected<response> (*)(visit&, const form&);
using member_handler = expected<response> (*)(visit&, const storage::sessions::signed_in&);
using member_form_handler = expected<response> (*)(visit&, const storage::sessions::signed_in&, const form&);

/// Rows of these routes: never kept, in every language. Forms are refused (403, a page that says what to do) where they are not sent from
/// a page of ours. Rows of members lead to /sign-in where nobody is signed in; staff without a second factor are led to setting it up,
/// wherever they ask for but there.
route guest_page(const site_frame&, std::string pattern, guest_handler, db_use needs = db_use::reads);
route guest_form(const site_frame&, std::string pattern, std::string_view form_path, form_handler);
route member_page(const site_frame&, std::string pattern, member_handler);
route member_form(const site_frame&, std::string pattern, member_form_handler);

/// Where dangerous acts go first: nothing while a proof counts; else the way to /account/confirm, and from there back here.
std::optional<response> wants_proof(visit&, const storage::sessions::signed_in&, std::string_view back_to);

/// True for an author or operator who has no second factor: until then they are members like others.
bool lacks_second_factor(const account&);

/// An address as its account keeps it and mail reaches it: as typed, its domain as the DNS is asked.
///   invalid  a sentence in the visitor's language: no address, too long, or one that our mail does not reach
expected<std::string> judged_address(const visit&, std::string_view typed);

/// Who is counted for an act, by the address that is named and by where it comes from.
std::vector<storage::sign_in_limits::key> limit_keys(const visit&, std::string_view act, std::string_view whose,
                                                     bool everyone = false);

/// What may be waited for after a wrong try.
response too_often(visit&, std::chrono::seconds wait, std::string html);

/// Signs an account in: a new session in the place of the one that this browser had, and on to `to`, by way of the second factor where it is
/// due. `mailed_here`: by a mail that this browser asked for, of which nobody has to be told.
expected<response> enter(visit&, const account&, std::string to, bool mailed_here);

/// Whether an account's owner has not been seen with this device before, though elsewhere.
bool is_new_device(visit&, const account&);
/// Mails them about it. Does nothing while a transaction is open elsewhere: it begins its own.
void tell_of_new_device(visit&, const account&, id session_id);

} // namespace lyceum::http
