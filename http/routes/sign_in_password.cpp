// SPDX-License-Identifier: Apache-2.0
// Signing in by password, and the second factor behind either way. A try is counted before it is judged; an unknown address costs as much
// as a known one.
#include "http/routes/account_mail.hpp"
#include "http/routes/second_factors.hpp"
#include "http/routes/slow_work.hpp"
#include "storage/accounts.hpp"
#include "storage/passwords.hpp"
#include "storage/secrets.hpp"

#include <memory>

namespace lyceum::http {
namespace {

namespace limits = storage::sign_in_limits;
namespace sessions = storage::sessions;

constexpr int unprocessable = 422;

std::string password_page(visit& here, std::string wrong, std::string_view address, const std::string& to) {
  return views::sign_in_password_page(here.view, {here.csrf("/sign-in/password"), std::move(wrong), to}, address);
}

expected<response> show_password(visit& here) {
  return here.page(password_page(here, {}, {}, visit::onward(here.asked.query_value("to").value_or("/"))));
}

/// A password that waits for its judge. Never changes once it waits.
struct credentials {
  std::string typed; ///< the address
  std::string to;
  std::string password;
  std::vector<limits::key> keys;
  std::optional<account> who; ///< as it was when the try was counted
};

struct verdict {
  expected<bool> right = false;
  std::string new_hash; ///< where the old one has other costs than today's
};

verdict judge(const credentials& on) {
  const std::string_view hash =
      on.who && on.who->password_hash ? std::string_view(*on.who->password_hash) : storage::dummy_password_hash();
  verdict made{storage::password_matches(on.password, hash), {}};
  if (made.right && *made.right && storage::needs_rehash(hash))
    made.new_hash = storage::hash_password(on.password).value_or("");
  return made;
}

expected<response> judged(visit& here, const credentials& on, const verdict& made) {
  if (!made.right)
    return tl::unexpected(made.right.error());
  if (!*made.right || !on.who || !on.who->password_hash)
    return here.page(password_page(here, here.say("credentials_wrong"), on.typed, on.to), unprocessable);
  limits::forgive(here.db, on.keys, here.frame.sign_in_rules);
  if (!made.new_hash.empty())
    std::ignore =
        storage::accounts::rehash_password(here.db, on.who->account_id, *on.who->password_hash, made.new_hash);
  return enter(here, *on.who, on.to, false);
}

expected<response> ask_password(visit& here, const form& sent) {
  auto on = std::make_shared<credentials>();
  on->typed = sent.get("address");
  on->to = visit::onward(sent.get("to"));
  const auto address = judged_address(here, on->typed);
  if (!address)
    return here.page(password_page(here, address.error().detail, on->typed, on->to), unprocessable);
  on->keys = limit_keys(here, "sign_in", fold_address(*address));
  if (const auto wait = limits::begin_try(here.db, on->keys, here.asked.now, here.frame.sign_in_rules);
      wait.count() > 0)
    return too_often(here, wait, password_page(here, here.say_wait(wait), on->typed, on->to));
  if (auto who = storage::accounts::find_by_address(here.db, *address))
    on->who = std::move(*who);
  on->password = sent.get("password");
  return after_work<verdict>(
      here, [on] { return judge(*on); }, [on](visit& again, const verdict& made) { return judged(again, *on, made); });
}

// --- the second factor

expected<response> show_second_factor(visit& here) {
  const auto to = visit::onward(here.asked.query_value("to").value_or("/"));
  if (!sessions::find_half_open(here.db, here.asked.session, here.asked.now))
    return here.go(here.in_language("/sign-in"));
  return here.page(views::second_factor_page(here.view, {here.csrf("/sign-in/second-factor"), {}, to}));
}

expected<response> pass_second_factor(visit& here, const form& sent) {
  const auto to = visit::onward(sent.get("to"));
  const auto half = sessions::find_half_open(here.db, here.asked.session, here.asked.now);
  if (!half)
    return here.go(here.in_language("/sign-in"));
  const auto again = [&](std::string wrong) {
    return views::second_factor_page(here.view, {here.csrf("/sign-in/second-factor"), std::move(wrong), to});
  };
  const auto keys = limit_keys(here, "second_factor", std::to_string(half->who.account_id));
  if (const auto wait = limits::begin_try(here.db, keys, here.asked.now, here.frame.sign_in_rules); wait.count() > 0)
    return too_often(here, wait, again(here.say_wait(wait)));
  if (!accepts_second_factor(here, half->who, sent.get("code")))
    return here.page(again(here.say("second_factor_wrong")), unprocessable);
  limits::forgive(here.db, keys, here.frame.sign_in_rules);
  const bool strange = is_new_device(here, half->who);
  const auto token = storage::secrets::make_token();
  const auto whole =
      sessions::pass_second_factor(here.db, here.asked.session, storage::secrets::hash_of_token(token), here.asked.now);
  if (!whole)
    return here.go(here.in_language("/sign-in"));
  here.give_session(token, whole->absolute_until);
  if (strange)
    tell_of_new_device(here, half->who, whole->session_id);
  return here.go(to);
}

} // namespace

route_list sign_in_password_routes(const site_frame& frame) {
  return {
      guest_page(frame, "/sign-in/password", show_password),
      guest_form(frame, "/sign-in/password", "/sign-in/password", ask_password),
      guest_page(frame, "/sign-in/second-factor", show_second_factor),
      guest_form(frame, "/sign-in/second-factor", "/sign-in/second-factor", pass_second_factor),
  };
}

} // namespace lyceum::http
