// SPDX-License-Identifier: Apache-2.0
// What guards an account: its password and its second factor.
#include "http/routes/security.hpp"
#include "http/routes/account_mail.hpp"
#include "http/routes/second_factors.hpp"
#include "http/routes/slow_work.hpp"
#include "storage/accounts.hpp"
#include "storage/passwords.hpp"
#include "storage/second_factor.hpp"
#include "storage/totp.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

namespace lyceum::http {
namespace {

namespace accounts = storage::accounts;
namespace second_factor = storage::second_factor;
using storage::sessions::signed_in;

constexpr int unprocessable = 422;
constexpr std::string_view security_path = "/account/security";
constexpr std::string_view password_path = "/account/security/password";
constexpr std::string_view factor_path = "/account/security/second-factor";
constexpr std::string_view codes_path = "/account/security/recovery-codes";
constexpr std::chrono::minutes setup_life{30}; ///< how long a page that shows a new secret is good for

std::string by_owner(const account& who) {
  return "account:" + std::to_string(who.account_id);
}

std::string cause_of(std::string_view what) {
  return std::string(what) + ":" + std::to_string(make_id());
}

/// What the page says was just done, by a word of ours in the address.
std::string done_words(const visit& here) {
  const auto word = here.asked.query_value("done").value_or("");
  for (const std::string_view known :
       {"password_saved", "password_saved_short", "password_removed", "second_factor_removed"})
    if (word == known)
      return here.say(known);
  return {};
}

expected<response> show_security(visit& here, const signed_in& who) {
  views::security_view what;
  what.has_password = who.who.password_hash.has_value();
  what.has_second_factor = who.who.totp_secret.has_value();
  what.recovery_codes_left = second_factor::recovery_codes_left(here.db, who.who.account_id);
  what.csrf_password_removal = here.csrf("/account/security/password/removal");
  what.csrf_second_factor_removal = here.csrf("/account/security/second-factor/removal");
  what.csrf_recovery_codes = here.csrf(codes_path);
  what.done = done_words(here);
  return here.page(views::account_security_page(here.view, what));
}

// --- the password

std::string password_page(visit& here, const account& who, std::string wrong) {
  return views::account_password_page(here.view, {here.csrf(password_path), std::move(wrong), {}}, who.address,
                                      who.password_hash.has_value());
}

expected<response> show_password(visit& here, const signed_in& who) {
  if (auto first = wants_proof(here, who, password_path))
    return std::move(*first);
  return here.page(password_page(here, who.who, {}));
}

storage::also_of<account> mail_about_password(const visit& here) {
  return [&here](storage::db& db, const account& who) {
    auto draft = mail_to(here, who, "password_changed", cause_of("password"));
    draft.details = details({{"at", moment(here.asked.now)}, {"link", link_to(here, security_path)}});
    put_mail(here, db, draft);
  };
}

expected<response> set_password(visit& here, const signed_in& who, const form& sent) {
  if (auto first = wants_proof(here, who, password_path))
    return std::move(*first);
  const std::string password(sent.get("password"));
  const auto address = mail_address::parse(who.who.address);
  if (!address)
    return tl::unexpected(address.error());
  const auto length = storage::judge_password(password, *address, here.view.site.title);
  if (!length)
    return here.page(
        password_page(here, who.who,
                      here.say(length.error().what == problem::kind::too_large ? "password_long" : "password_refused")),
        unprocessable);
  const bool brief = *length == storage::password_length::enough;
  return after_work<expected<std::string>>(
      here, [password] { return storage::hash_password(password); },
      [brief](visit& again, const expected<std::string>& hash) -> expected<response> {
        if (!hash)
          return tl::unexpected(hash.error());
        // Signed out everywhere meanwhile: then this browser sets nothing any more.
        const auto& asked = again.asked;
        const auto still = storage::sessions::find(again.db, asked.session, asked.now);
        if (!still)
          return again.go(again.in_language("/sign-in"));
        const auto done = accounts::set_password_hash(again.db, still->who.account_id, *hash, asked.session,
                                                      by_owner(still->who), asked.now, mail_about_password(again));
        if (!done)
          return tl::unexpected(done.error());
        return again.go(again.in_language(security_path) + "?done=password_saved" + (brief ? "_short" : ""));
      });
}

expected<response> remove_password(visit& here, const signed_in& who, const form&) {
  if (auto first = wants_proof(here, who, security_path))
    return std::move(*first);
  const auto done = accounts::remove_password(here.db, who.who.account_id, here.asked.session, by_owner(who.who),
                                              here.asked.now, mail_about_password(here));
  if (!done)
    return tl::unexpected(done.error());
  return here.go(here.in_language(security_path) + "?done=password_removed");
}

// --- the second factor

/// A secret that is shown and not yet proved stays with its page: sealed, for this account, for a while.
std::string setup_context(const account& who) {
  return "totp setup " + std::to_string(who.account_id);
}

std::string seal_secret(const visit& here, const account& who, const std::string& secret) {
  return here.seal(setup_context(who), std::to_string(micros(here.asked.now)) + " " + storage::base32(secret));
}

std::optional<std::string> open_secret(const visit& here, const account& who, std::string_view sealed) {
  const auto plain = here.open_sealed(setup_context(who), sealed);
  if (!plain)
    return std::nullopt;
  const auto space = plain->find(' ');
  std::int64_t made_at = 0;
  std::from_chars(plain->data(), plain->data() + std::min(space, plain->size()), made_at);
  if (space == std::string::npos || here.asked.now - from_micros(made_at) > setup_life)
    return std::nullopt;
  return storage::from_base32(std::string_view(*plain).substr(space + 1));
}

std::string in_fours(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += 4)
    out += (i == 0 ? "" : " ") + text.substr(i, 4);
  return out;
}

std::string setup_page(visit& here, const account& who, const std::string& secret, std::string wrong) {
  views::second_factor_setup what;
  what.secret = in_fours(storage::base32(secret));
  what.uri = storage::totp_uri(here.view.site.title, who.address, secret);
  what.sealed = seal_secret(here, who, secret);
  what.has_to = lacks_second_factor(who);
  return views::second_factor_setup_page(here.view, {here.csrf(factor_path), std::move(wrong), {}}, what);
}

expected<response> show_setup(visit& here, const signed_in& who) {
  if (auto first = wants_proof(here, who, factor_path))
    return std::move(*first);
  return here.page(setup_page(here, who.who, storage::make_totp_secret(), {}));
}

struct paper_codes {
  std::vector<std::string> shown;
  std::vector<std::string> hashes;
};
paper_codes make_paper_codes() {
  paper_codes made{storage::make_recovery_codes(), {}};
  for (const auto& one : made.shown)
    made.hashes.push_back(storage::recovery_hash(one));
  return made;
}

storage::also_of<account> mail_about_factor(const visit& here, bool on) {
  return [&here, on](storage::db& db, const account& who) {
    auto draft = mail_to(here, who, "second_factor_changed", cause_of("second_factor"));
    draft.details = details({{"at", moment(here.asked.now)}, {"on", on}, {"link", link_to(here, security_path)}});
    put_mail(here, db, draft);
  };
}

expected<response> turn_on(visit& here, const signed_in& who, const form& sent) {
  if (auto first = wants_proof(here, who, factor_path))
    return std::move(*first);
  const auto secret = open_secret(here, who.who, sent.get("sealed"));
  if (!secret)
    return here.page(setup_page(here, who.who, storage::make_totp_secret(), here.say("factor_stale")), unprocessable);
  const auto step = storage::totp_taken_step(*secret, sent.get("code"), here.asked.now, 0);
  if (!step)
    return here.page(setup_page(here, who.who, *secret, here.say("factor_wrong")), unprocessable);
  const auto codes = make_paper_codes();
  const auto done = second_factor::set(
      here.db, who.who.account_id, here.seal(totp_context(who.who.account_id), *secret), *step, codes.hashes,
      here.asked.session, by_owner(who.who), here.asked.now, mail_about_factor(here, true));
  if (!done)
    return tl::unexpected(done.error());
  return here.page(
      views::recovery_codes_page(here.view, codes.shown, here.csrf("/account/security/recovery-codes/file")));
}

expected<response> turn_off(visit& here, const signed_in& who, const form&) {
  if (auto first = wants_proof(here, who, security_path))
    return std::move(*first);
  const auto done = second_factor::remove(here.db, who.who.account_id, by_owner(who.who), here.asked.now,
                                          mail_about_factor(here, false));
  if (!done)
    return tl::unexpected(done.error());
  return here.go(here.in_language(security_path) + "?done=second_factor_removed");
}

expected<response> new_codes(visit& here, const signed_in& who, const form&) {
  if (auto first = wants_proof(here, who, security_path))
    return std::move(*first);
  const auto codes = make_paper_codes();
  const auto done = second_factor::replace_recovery_codes(here.db, who.who.account_id, codes.hashes, by_owner(who.who),
                                                          here.asked.now);
  if (!done && done.error().what == problem::kind::conflict)
    return here.go(here.in_language(security_path));
  if (!done)
    return tl::unexpected(done.error());
  return here.page(
      views::recovery_codes_page(here.view, codes.shown, here.csrf("/account/security/recovery-codes/file")));
}

/// Gives back what the page sent, as a file: the codes are kept nowhere else. Nothing but codes.
expected<response> codes_as_file(visit& here, const signed_in&, const form& sent) {
  std::string text;
  std::string_view rest = sent.get("codes");
  while (!rest.empty()) {
    const auto one = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    if (storage::recovery_hash(one).empty())
      return fail(problem::kind::invalid, "no recovery code");
    text += std::string(one) + "\r\n";
  }
  auto answer = here.page(std::move(text));
  answer.content_type = "text/plain; charset=utf-8";
  answer.headers.push_back({"Content-Disposition", "attachment; filename=\"recovery-codes.txt\""});
  return answer;
}

} // namespace

route_list security_routes(const site_frame& frame) {
  route_list rows{
      member_page(frame, "/account/security", show_security),
      member_page(frame, "/account/security/password", show_password),
      member_form(frame, "/account/security/password", set_password),
      member_form(frame, "/account/security/password/removal", remove_password),
      member_page(frame, "/account/security/second-factor", show_setup),
      member_form(frame, "/account/security/second-factor", turn_on),
      member_form(frame, "/account/security/second-factor/removal", turn_off),
      member_form(frame, "/account/security/recovery-codes", new_codes),
      member_form(frame, "/account/security/recovery-codes/file", codes_as_file),
  };
  for (auto more : {address_routes, confirm_routes})
    std::ranges::move(more(frame), std::back_inserter(rows));
  return rows;
}

} // namespace lyceum::http
