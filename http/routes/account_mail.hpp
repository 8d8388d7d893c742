// SPDX-License-Identifier: Apache-2.0
// Mails about an account, as they go into the outbox.
#pragma once

#include "http/routes/visit.hpp"
#include "storage/model/mail.hpp"
#include "storage/model/mail_address.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lyceum::http {

/// A JSON object of texts, flags and numbers.
class detail {
public:
  detail(std::string_view name, std::string_view text);
  detail(std::string_view name, const std::string& text) : detail(name, std::string_view(text)) {}
  detail(std::string_view name, const char* text) : detail(name, std::string_view(text)) {}
  detail(std::string_view name, bool flag);
  detail(std::string_view name, int number);

  const std::string& text() const noexcept { return text_; } ///< `"name":value`

private:
  std::string text_;
};
std::string details(std::initializer_list<detail>);

/// A time as details hold it: microseconds since 1970, as text.
std::string moment(unix_time);
/// A path of the site, in the page's language, as a link.
std::string link_to(const visit&, std::string_view path);

/// A mail to an account's owner, in their language, without details.
mail_draft mail_to(const visit&, const account&, std::string template_name, std::string cause);

/// Puts a mail into the outbox, in the transaction that is open; nothing where its recipient is beyond our mail, so that an odd address
/// keeps nobody from changing a password. Returns its number, or 0. Throws where the outbox refuses it: the words are ours.
id put_mail(const visit&, storage::db&, const mail_draft&);
/// The same with secrets that are sealed.
id put_mail(const visit&, storage::db&, mail_draft, std::string_view secret_details);

/// A mail with a link and a code, and what is kept of the two.
struct mailed_proof {
  std::string token;
  std::string code;
  storage::sign_in::proof kept;
};
/// `browser_hash` of who asks: the code counts there alone.
mailed_proof make_proof(const visit&, std::string_view browser_hash);
/// What is kept of a code that was typed. Spaces in it do not matter.
std::string hash_of_typed_code(const visit&, std::string_view browser_hash, std::string_view typed);

/// The mail to sign in with; to be called in `sign_in::ask`.
id put_sign_in_mail(visit&, storage::db&, const std::string& address, const mailed_proof&);
/// What a used link or code led to, as mails: a welcome, or word of a changed address to the old one. To be called in its transaction.
void tell_of_outcome(const visit&, storage::db&, const storage::sign_in::outcome&);

/// A mail with a code that this browser waits for: kept by its pages, sealed, so that it needs no row.
struct awaited_mail {
  std::string address;
  id number = 0; ///< in the outbox
  std::string to;
};
std::string sealed(visit&, const awaited_mail&);
/// Nothing for what another browser brings, or what is none.
std::optional<awaited_mail> read_awaited(visit&, std::string_view sealed);
/// What became of it, in words.
views::delivery_view delivery_of(const visit&, const awaited_mail&);
/// Why mail is late, or nothing.
std::string trouble_of(const visit&);

/// What to say about a code that did not count.
std::string say_wrong_code(const visit&, const problem&);

} // namespace lyceum::http
