// SPDX-License-Identifier: Apache-2.0
// Mail to a mail host, over libcurl.
#pragma once

#include "actors/smtp_dialogue.hpp"
#include "storage/model/expected.hpp"
#include "storage/model/mail.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace lyceum {

/// How a host is reached. TLS is at least 1.2, and its certificate must be trusted for the host's name.
enum class smtp_tls {
  start_tls, ///< demanded, not hoped for
  implicit,  ///< from the first octet on
  none,      ///< only where the host is loopback
};

/// Which mechanism logs in: stated rather than guessed, since libcurl tries others after a refusal.
enum class smtp_log_in { plain, login };

struct smtp_relay {
  std::string host; ///< a name, or an address (IPv6 without brackets)
  std::uint16_t port = 587;
  smtp_tls tls = smtp_tls::start_tls;
  std::string user; ///< empty: no login
  std::string password;
  smtp_log_in log_in = smtp_log_in::plain;
  std::string ca_file;                  ///< PEM file of those whose certificates count; empty: the system's
  std::string hello_name = "localhost"; ///< what we call ourselves in EHLO
};

/// Waits of one delivery. RFC 5321, 4.5.3.2 gives hosts minutes for each; a relay that takes so long is away, and the outbox tries
/// again. Only the wait for the last reply is near the RFC's, since an impatient sender sends twice (RFC 1047).
struct smtp_waits {
  std::chrono::milliseconds connect{10'000};  ///< name, connection, and TLS where it is implicit
  std::chrono::milliseconds greeting{30'000}; ///< until the host has greeted
  std::chrono::milliseconds step{60'000};     ///< for each reply, and without any octet of the text going out
  std::chrono::milliseconds last{240'000};    ///< for the reply to the whole text
  std::chrono::milliseconds all{420'000};     ///< for the whole delivery
};

/// Mails over one connection, after which it is made anew; and how long it may rest between two.
inline constexpr int smtp_mails_per_connection = 100;
inline constexpr std::chrono::seconds smtp_rest_max{30};

struct smtp_letter {
  std::string_view from; ///< the envelope's sender: bounces go there
  std::string_view to;
  std::string_view text; ///< as `compose` makes it
};

/// What the deliverer asks while it is at work, in the thread of `deliver`. May throw: the try ends, and `deliver` throws it.
struct smtp_watch {
  /// The host waits for the text: is the mail still ours to send? False ends the try before any octet of it.
  std::function<bool()> before_text = {};
  /// About once a second: the place for heartbeats. False ends the try, unless the whole text is out already.
  std::function<bool()> tick = {};
};

/// Speaks to one mail host, over at most one connection, which it keeps for the next mail. One thread at a time; `interrupt` may be called
/// from any. The process ignores SIGPIPE: OpenSSL writes to sockets without a word about it.
class smtp {
public:
  /// Opens no connection yet.
  ///   invalid  the host, port, names or CA file cannot be; or no TLS for a host that is not loopback
  static expected<std::unique_ptr<smtp>> make(const smtp_relay&, const smtp_waits& = {});

  virtual ~smtp() = default;
  smtp(const smtp&) = delete;
  smtp& operator=(const smtp&) = delete;

  /// Tries once, blocking, within `smtp_waits::all`. A kept connection that turns out to be dead before the host said a word
  /// is replaced, once. `refused` without any connection where an address is none.
  virtual delivery deliver(const smtp_letter&, const smtp_watch& = {}) = 0;

  /// Ends a delivery within a second or so, and every later one at once: for good. Never blocks. What was whole by then is uncertain.
  virtual void interrupt() noexcept = 0;

protected:
  smtp() = default;
};

/// True for "localhost", 127.0.0.0/8 and "::1".
bool is_loopback_host(std::string_view host);

} // namespace lyceum
