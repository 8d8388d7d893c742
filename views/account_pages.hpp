// SPDX-License-Identifier: Apache-2.0
// The pages about accounts: values in, finished HTML out. Forms that work without a script; each has a token of its own (http/csrf.hpp),
// and what is wrong stands beside its field.
#pragma once

#include "storage/model/account.hpp"
#include "storage/model/mail.hpp"
#include "views/pages.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views {

/// What a form needs, whichever it is.
struct form_view {
  std::string csrf;
  std::string wrong; ///< a sentence for the one who typed; empty: nothing is wrong
  std::string to;    ///< a path to go on to
};

/// Where somebody says who they are. `trouble` says why mail is late, if it is.
std::string sign_in_page(const site_view&, const form_view&, std::string_view address, std::string_view trouble);

/// What became of a mail, in words for who waits for it. `what` is nothing where it is forgotten.
struct delivery_view {
  std::string words;
  bool bad = false;    ///< it will not come
  std::string mailbox; ///< a path: mails are kept there instead of being sent
};
delivery_view delivery_words(const site_view&, const std::optional<lyceum::mail>& what, std::string_view trouble);

/// After a mail was asked for: a field for its code. `ask` is what the form brings back, sealed.
std::string sign_in_code_page(const site_view&, const form_view&, std::string_view ask, std::string_view address,
                              const delivery_view& delivery);

/// What a mailed link would do.
enum class link_act { sign_in, old_address, new_address };
/// Behind a link in a mail: nothing has happened yet. `here`: the browser is the one that asked, so a script may go on by itself.
std::string sign_in_link_page(const site_view&, const form_view&, std::string_view token, link_act,
                              std::string_view address, bool here);

std::string sign_in_password_page(const site_view&, const form_view&, std::string_view address);
std::string second_factor_page(const site_view&, const form_view&);

/// An account as its owner sees it.
struct account_view {
  account who;
  std::vector<grant> plans; ///< current ones
  std::string csrf_profile;
  std::string csrf_sign_out;
  bool saved = false;
  std::string wrong; ///< beside the name
};
std::string account_page(const site_view&, const account_view&);

/// Browsers that are signed in; `here` is the id of this one's session.
std::string account_sessions_page(const site_view&, const std::vector<session>&, id here, std::string_view csrf);

struct security_view {
  bool has_password = false;
  bool has_second_factor = false;
  int recovery_codes_left = 0;
  std::string csrf_password_removal;
  std::string csrf_second_factor_removal;
  std::string csrf_recovery_codes;
  std::string done; ///< what was just done, a sentence; or nothing
};
std::string account_security_page(const site_view&, const security_view&);
/// `address` lets a browser's password keeper know whose it is.
std::string account_password_page(const site_view&, const form_view&, std::string_view address, bool has_one);

struct second_factor_setup {
  std::string secret;  ///< base32, in groups of four
  std::string uri;     ///< for the picture
  std::string sealed;  ///< what the form brings back
  bool has_to = false; ///< staff: nothing else opens before
};
std::string second_factor_setup_page(const site_view&, const form_view&, const second_factor_setup&);
/// Shown once. `csrf_file` is for the form that gives them back as a file.
std::string recovery_codes_page(const site_view&, const std::vector<std::string>& codes, std::string_view csrf_file);

struct address_change_view {
  std::string new_address; ///< typed, or under way
  bool under_way = false;  ///< both mails are out
  std::string ask;         ///< what the forms of the codes bring back, sealed
  std::string csrf_code;
  std::string old_wrong; ///< beside the code of the old side
  std::string new_wrong;
  std::string done; ///< which side has confirmed, a sentence
};
std::string account_address_page(const site_view&, const form_view&, std::string_view address,
                                 const address_change_view&);
std::string account_delete_page(const site_view&, const form_view&, std::string_view address);

struct confirm_view {
  bool has_password = false;
  bool has_second_factor = false;
  std::string address;
  std::string ask; ///< a mailed code is under way: what its form brings back, sealed
  delivery_view delivery;
  std::string csrf_mail;
  std::string trouble;
};
/// Once more who it is, before something dangerous.
std::string account_confirm_page(const site_view&, const form_view&, const confirm_view&);

/// A page that only says something. `key` names its texts: KEY, KEY_what and KEY_do; `values` fill `{name}`s in them.
struct notice_link {
  std::string path; ///< without a language
  std::string word_key;
};
std::string account_notice_page(const site_view&, std::string_view key,
                                std::initializer_list<std::pair<std::string_view, std::string>> values,
                                const std::vector<notice_link>& onward);

/// "in 3 minutes", "in 2 hours": how long somebody has to wait.
std::string wait_words(std::string_view language, std::chrono::seconds);

} // namespace lyceum::views
