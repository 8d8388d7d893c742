// SPDX-License-Identifier: Apache-2.0
// What people are told of their plans, by whichever road an operator gives and takes them: `lyceum user`, or the console.
#pragma once

#include "storage/also.hpp"
#include "storage/model/account.hpp"

#include <string>

namespace lyceum {

/// The language of mails to an account: its own, else the school's.
std::string mail_language(storage::db&, const account& who);

/// The mail about a plan that was given, or taken back (and is not had by another grant, and had not ended before), to be written in its transaction. Writes none where `base_url` is empty, since a mail
/// without a link helps nobody, or where our mail does not reach the account's address. `shows_note`: the mail says the grant's note.
storage::also_of<grant> mail_about_gift(const account& who, const std::string& base_url, unix_time now,
                                        bool shows_note);
storage::also_of<grant> mail_about_end(const account& who, const std::string& base_url, unix_time now);

} // namespace lyceum
