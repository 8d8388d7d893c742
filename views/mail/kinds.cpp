// SPDX-License-Identifier: Apache-2.0
#include "views/mail/kinds.hpp"

#include <algorithm>
#include <array>

namespace lyceum::views::mail {
namespace {

using enum member_kind;

const std::array all_kinds{
    kind{"account_deleted", {{"at", moment}}, R"({"at": "1795636740000000"})"},
    kind{"address_changed",
         {{"old_address", text}, {"new_address", text}},
         R"({"old_address": "ada@old.example", "new_address": "ada@new.example"})"},
    kind{"alert",
         {{"what", text}, {"since", moment}, {"detail", text, true}, {"link", link}},
         R"({"what": "The mail host does not answer", "since": "1795636740000000",
             "detail": "14 mails wait. Pages are not affected. The next try is in 8 minutes.",
             "link": "https://school.example/ops"})"},
    kind{"all_well",
         {{"period", day}, {"facts", facts, true}, {"trouble", lines, true}, {"link", link}},
         R"({"period": "2026-11-25",
             "facts": [{"label": "Pages served", "value": "48,210"}, {"label": "Slowest hundredth", "value": "0.4 ms"},
                       {"label": "Restarts", "value": "2"}, {"label": "Mails sent", "value": "31"}],
             "trouble": ["storage/db_pool was started again twice", "The disk is 91 % full"],
             "link": "https://school.example/ops"})"},
    kind{"grant_ended",
         {{"plan", text}, {"at", moment}, {"link", link}},
         R"({"plan": "Pro", "at": "1795636740000000", "link": "https://school.example/courses"})"},
    kind{"granted",
         {{"plan", text}, {"expires", moment, true}, {"note", text, true}, {"link", link}},
         R"({"plan": "Pro", "expires": "1827172740000000", "note": "Thank you for the talk",
             "link": "https://school.example/courses"})"},
    kind{"new_address",
         {{"link", link}, {"code", text}, {"old_address", text}},
         R"({"link": "https://school.example/account/address?token=mZ0qJ4rX7dVb2sLk9wTn", "code": "482915",
             "old_address": "a…@old.example"})"},
    kind{"new_device",
         {{"device", text, true}, {"peer", text, true}, {"at", moment}, {"link", link}},
         R"({"device": "Firefox on Linux", "peer": "203.0.113.…", "at": "1795636740000000",
             "link": "https://school.example/account/sessions"})"},
    kind{"old_address",
         {{"link", link}, {"code", text}, {"new_address", text}, {"account_link", link}},
         R"({"link": "https://school.example/account/address?token=Yc6hQ1uE8pGf3aNo5xRm", "code": "160384",
             "new_address": "ada@new.example", "account_link": "https://school.example/account"})"},
    kind{"password_changed",
         {{"at", moment}, {"link", link}},
         R"({"at": "1795636740000000", "link": "https://school.example/account"})"},
    kind{"second_factor_changed",
         {{"at", moment}, {"on", flag}, {"link", link}},
         R"({"at": "1795636740000000", "on": true, "link": "https://school.example/account"})"},
    kind{"sign_in",
         {{"link", link},
          {"code", text},
          {"minutes", minutes},
          {"device", text, true},
          {"peer", text, true},
          {"new", flag}},
         R"({"link": "https://school.example/sign-in/link?token=Qm7tW2kZ9vXc4bNa1sLd", "code": "731552", "minutes": 10,
             "device": "Firefox on Linux", "peer": "203.0.113.…", "new": false})"},
    kind{"welcome",
         {{"name", text, true}, {"link", link}},
         R"({"name": "Ada", "link": "https://school.example/courses"})"},
};

} // namespace

std::span<const kind> kinds() {
  return all_kinds;
}

const kind* find_kind(std::string_view name) {
  const auto found = std::ranges::find(all_kinds, name, &kind::name);
  return found == all_kinds.end() ? nullptr : &*found;
}

} // namespace lyceum::views::mail
