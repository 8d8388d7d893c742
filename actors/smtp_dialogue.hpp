// SPDX-License-Identifier: Apache-2.0
// What happened between us and a mail host, and what it means. Pure; knows no library.
#pragma once

#include "storage/model/mail.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace lyceum {

/// The last thing that we asked of the host.
enum class smtp_step {
  connecting, ///< looked up its name, opened a connection, negotiated TLS (implicit)
  greeting,   ///< connected; it speaks first
  hello,      ///< EHLO
  start_tls,
  log_in,    ///< AUTH
  sender,    ///< MAIL FROM
  recipient, ///< RCPT TO
  data,      ///< DATA, its text, and the reply to it
};

/// Why a dialogue ended before the host had taken the mail.
enum class smtp_end {
  answered,      ///< the host's reply ended it
  cut,           ///< the connection broke
  late,          ///< a deadline of ours passed
  no_address,    ///< the host's name has no address
  no_connection, ///< nobody there, or the network refused
  no_tls,        ///< it offers no TLS, and we demand it
  bad_tls,       ///< its certificate is not one that we trust for that name, or TLS failed otherwise
  bad_log_in,    ///< it offers no way to log in that we know, or refused ours
  interrupted,   ///< `interrupt`, or the fence
  broken,        ///< anything else; `detail` says what
};

/// One try, followed line by line.
class smtp_dialogue {
public:
  /// A line that we sent. Only its first word is looked at, since others may be secrets. After QUIT nothing counts any more.
  void said(std::string_view line);
  /// A line of the host's.
  void heard(std::string_view line);
  void connected();
  /// The last octet of the text went out: from here on the mail may arrive.
  void text_ended() { text_ended_ = true; }

  smtp_step step() const { return step_; }
  bool heard_anything() const { return lines_heard_ > 0; }
  /// The code of the last reply to the last step; 0 while there is none.
  int code() const { return code_; }
  /// That reply's text in one line: valid UTF-8 without control characters, at most 300 bytes.
  const std::string& reply() const { return reply_; }
  bool whole() const { return text_ended_; }
  bool over() const { return over_; }

private:
  smtp_step step_ = smtp_step::connecting;
  int code_ = 0;
  std::string reply_;
  bool text_ended_ = false;
  bool over_ = false;
  std::size_t lines_heard_ = 0;
};

/// What a dialogue that did not end well means for the mail. `host` and `recipient` are for the words.
///
///   before MAIL          unreachable, or misconfigured where TLS or the login is the reason
///   MAIL 5xx             misconfigured: it is our sender that the host does not like (552, too large: refused)
///   RCPT, DATA 4xx       deferred;  5xx: refused (530, "log in first": misconfigured)
///   421 after MAIL       deferred: the host is closing
///   after the last octet deferred or refused by its reply; uncertain where none came
/// The enhanced codes X.1.1, X.1.2, X.1.3, X.1.6, X.1.10 and X.2.1 of RFC 3463, 3886 and 7505 in a 5xx of RCPT say that the address is dead.
delivery judged(const smtp_dialogue&, smtp_end, std::string_view host, std::string_view recipient,
                std::string_view detail = {});

} // namespace lyceum
