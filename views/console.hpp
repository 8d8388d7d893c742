// SPDX-License-Identifier: Apache-2.0
// The operators' console: what it shows, as values. The page and each live frame are made from the same ones, so both say the same.
#pragma once

#include "views/theme.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views {

/// One child of the tree, in words and figures that are ready to be shown.
struct console_node {
  std::string path;  ///< "cache/page_cache"; names it in links and forms
  std::string name;  ///< "page_cache"
  int level = 1;     ///< 1: the root
  std::string kind;  ///< "worker", "supervisor", "dynamic"
  std::string state; ///< the word of `ctl tree`: "running", "degraded" …
  std::string
      tone; ///< "well", "passing", "wrong": silent, heals by itself, needs somebody; "quiet": away with what is above
  std::string more; ///< beside the state: "again in 3 s", "in one handler for 6 s"
  std::uint64_t generation = 0;
  int restarts = 0, budget = 0;
  std::string restarts_text; ///< "2 of 5 in 30 s"
  std::uint64_t mailbox = 0;
  std::string cpu;    ///< "1.2 %"; empty for who shares the pool's threads
  std::string uptime; ///< "3 min"; "-" where it does not live
  std::string note;   ///< what learners notice while it is away
  std::string about;  ///< "permanent, on a thread of its own; its last life ended with: killed"
  bool has_spark = false;
  std::vector<std::uint32_t> spark; ///< activity of the last minutes, oldest first
  bool under = false;               ///< what is above it is away: that is to be started, and this one has no command
  bool may_stop = true;             ///< false where nobody could start it again
};

/// Something that is wrong, and what to do about it.
struct console_trouble {
  std::string path;
  std::string tone;
  std::string what;     ///< "degraded; tried again in 3 s"
  std::string learners; ///< what they notice
  std::string remedy;
};

struct console_crash {
  std::string at; ///< "14:03:11", UTC
  std::string path;
  std::uint64_t generation = 0;
  std::string kind, reason, message, then;
  std::uint64_t times = 1;
};

struct console_action {
  std::string at, who, what, result;
};

struct console_figure {
  std::string id, label, value;
};

/// The state of everything at one moment.
struct console_view {
  std::string school;   ///< its name
  std::string tone;     ///< of the whole: "well", "passing", "wrong"
  std::string headline; ///< "Everything is serving"
  std::string since;    ///< "since 14:03 UTC, 3 h 12 min"
  std::vector<console_trouble> troubles;
  std::vector<console_figure> figures;
  std::vector<console_node> nodes; ///< in start order, parents first
  std::vector<console_crash> crashes;
  std::vector<console_action> actions;
  std::vector<std::string> log;
};

/// Who looks.
struct console_visitor {
  std::string name; ///< "console 3f9a61c0"
  std::string csrf;
  bool may_act = false;
  bool in_the_clear = false; ///< the connection is neither loopback nor TLS
};

/// What a command would do, before it is done.
struct console_question {
  std::string path, op;
  std::string title;                                      ///< "Restart cache?"
  std::string button;                                     ///< "Restart cache"
  std::vector<std::pair<std::string, std::string>> facts; ///< ("Touched", "cache and 3 below it") …
  std::uint64_t generation = 0;                           ///< the command is for this one alone
  bool named = false;                                     ///< its name must be typed
  std::string refused;                                    ///< why it cannot be done; empty: it can
};

/// `done`: what came of the last command; empty: nothing was asked.
std::string console_page(const theme& look, const console_view& now, const console_visitor& who, std::string_view done);
/// `wrong`: why the last try was not taken. `others`: commands that there are besides, as (op, title).
std::string console_ask_page(const theme& look, const console_question& what, const console_visitor& who,
                             std::string_view wrong, const std::vector<std::pair<std::string, std::string>>& others);
/// How to get in (`door` false), or the page that a link leads to.
std::string console_door_page(const theme& look, bool door, std::string_view wrong);

/// An account, in words that are ready to be shown.
struct console_account {
  struct grant {
    std::string id, plan, source;
    std::string state; ///< "for ever", "until 2027-01-01 00:00", "revoked …"
    std::string note;
    bool may_take_back = false;
  };
  struct session {
    std::string id, device, peer, seen, since;
  };
  struct event {
    std::string at, who, what, detail;
  };
  std::string id, address;
  std::vector<std::pair<std::string, std::string>> facts; ///< ("Name", "Ann") …
  std::vector<grant> grants;
  std::vector<session> sessions;
  std::vector<event> events; ///< newest first
};
/// Accounts in order of address, and how one is found.
struct console_accounts {
  struct row {
    std::string id, address, name, role, since;
    bool suspended = false;
  };
  std::string wrong;  ///< why none is shown, or not what was asked for
  bool listed = true; ///< false: this visitor is shown no list, or there is no database
  std::vector<row> rows;
  std::string more;                                       ///< where the next page is; empty: there is none
  std::vector<std::pair<std::string, std::string>> roles; ///< ("Learners", "/ops/accounts?role=learner") …
};
std::string console_accounts_page(const theme& look, const console_accounts& what, const console_visitor& who,
                                  std::string_view done);
std::string console_account_page(const theme& look, const console_account& what, const console_visitor& who,
                                 std::string_view done);

/// Mails, in words that are ready to be shown.
struct console_mails {
  struct count {
    std::string text;   ///< "3 deferred"
    std::string tone;   ///< as a node's
    std::string where;  ///< of the list of them
    bool shown = false; ///< they are what is listed
  };
  struct kind {
    std::string name;   ///< of a template; empty: of all
    std::string paused; ///< "since 2026-11-26 14:03 UTC"; empty: it is sent
    std::vector<count> counts;
    bool has_failed = false;
  };
  struct row {
    std::string id, kind, to, state, tone;
    std::string when;   ///< "made 2026-11-26 14:03 UTC, tried 3 times, again at …"
    std::string reason; ///< why it is not sent, in words
  };
  struct closed_address {
    std::string address, why, since;
  };
  std::string headline;           ///< where mails go
  std::vector<std::string> words; ///< what is wrong, or how many wait
  std::string tone;
  std::vector<kind> kinds;                ///< the first one is all of them
  std::string wrong;                      ///< why less is shown than was asked for; empty: all is there
  std::string listed;                     ///< "Deferred mails, sign_in"; empty: there is no list
  std::vector<row> rows;                  ///< newest first
  std::string older;                      ///< where the next page is; empty: there is none
  std::vector<closed_address> suppressed; ///< addresses that get no mail
};
std::string console_mails_page(const theme& look, const console_mails& what, const console_visitor& who,
                               std::string_view done);

struct console_mail {
  std::string id, title, state, tone, reason;
  std::vector<std::pair<std::string, std::string>> facts;
  bool may_retry = false, may_drop = false;
};
std::string console_mail_page(const theme& look, const console_mail& what, const console_visitor& who,
                              std::string_view done);

/// What would be done to a row of the database.
struct console_data_question {
  std::string act;     ///< where the form is sent
  std::string back;    ///< the page that it came from
  std::string back_to; ///< "Back to the account"
  std::string title;   ///< "Give pro to ann@example.com?"
  std::string button;
  bool harsh = false;
  std::string typed; ///< what is to be typed by who means it: "Its mail address"; empty: nothing. The field is "typed"
  std::vector<std::pair<std::string, std::string>> facts;
  std::vector<std::pair<std::string, std::string>> fields; ///< what the form carries besides its token
};
std::string console_data_ask_page(const theme& look, const console_data_question& what, const console_visitor& who,
                                  std::string_view wrong);

/// Points of a polyline in a box of `width` by `height`: "0,18 4,3 …". Empty for fewer than two values.
std::string spark_points(const std::vector<std::uint32_t>& values, int width, int height);
/// How much of `width` a mailbox of `n` fills: grows with the logarithm, full from 1024 on.
int mailbox_width(std::uint64_t n, int width);

} // namespace lyceum::views
