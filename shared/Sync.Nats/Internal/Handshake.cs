using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;

namespace Sync.Nats.Internal;

/// <summary>
/// From nothing to a session: TCP → INFO → (TLS) → CONNECT and PING → PONG. Every step has its own time limit, and
/// every failure is a <see cref="NatsException"/> that names the step.
/// </summary>
internal sealed class Handshake(ServerAddress server, NatsOpts opts)
{
    private readonly ReadBuffer _buffer = new(opts.ReaderBufferBytes);
    private readonly ParserLimits _limits = Session.Limits(opts);

    public async Task<Session> ConnectAsync(CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await StepAsync("connect", c => socket.ConnectAsync(server.Host, server.Port, c), cancellationToken)
                .ConfigureAwait(false);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            NatsServerInfo? info = null;
            await StepAsync("INFO", async c =>
                info = await ReadInfoAsync(stream, c).ConfigureAwait(false), cancellationToken)
                .ConfigureAwait(false);
            if (WantsTls(info!))
            {
                await StepAsync("TLS", async c =>
                    stream = await Tls.UpgradeAsync(stream, server, opts, c).ConfigureAwait(false), cancellationToken)
                    .ConfigureAwait(false);
            }

            await StepAsync("CONNECT", async c =>
                info = await LogInAsync(stream, info!, c).ConfigureAwait(false), cancellationToken)
                .ConfigureAwait(false);
            return new Session(socket, stream, _buffer, server, info!);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task StepAsync(string step, Func<CancellationToken, ValueTask> run,
        CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(opts.ConnectTimeout, opts.TimeProvider);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            await run(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new NatsException(NatsError.ConnectFailed,
                $"{server}: no answer to {step} within {opts.ConnectTimeout}");
        }
        catch (AuthenticationException e)
        {
            throw new NatsException(NatsError.Tls, $"{server}: TLS failed: {e.Message}", e);
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException)
        {
            throw new NatsException(NatsError.ConnectFailed, $"{server}: {step} failed: {e.Message}", e);
        }
    }

    private bool WantsTls(NatsServerInfo info)
    {
        var wanted = opts.Tls is not null || server.Tls;
        if (wanted && !info.TlsRequired && !info.TlsAvailable)
            throw new NatsException(NatsError.Tls, $"{server}: TLS is asked for, but the server has none");
        if ((wanted || info.TlsRequired) && !_buffer.Unread.IsEmpty)
            throw new NatsException(NatsError.Tls, $"{server}: bytes in clear behind INFO, in front of TLS");
        return wanted || info.TlsRequired;
    }

    private async Task<NatsServerInfo> ReadInfoAsync(Stream stream, CancellationToken cancellationToken)
    {
        var (op, _, info) = await NextAsync(stream, cancellationToken).ConfigureAwait(false);
        return op == ServerOp.Info
            ? info!
            : throw new NatsException(NatsError.Protocol, $"{server}: began with {op} in place of INFO");
    }

    private async Task<NatsServerInfo> LogInAsync(Stream stream, NatsServerInfo info,
        CancellationToken cancellationToken)
    {
        await stream.WriteAsync(ConnectFrame(stream is SslStream), cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var (op, error, newInfo) = await NextAsync(stream, cancellationToken).ConfigureAwait(false);
            switch (op)
            {
                case ServerOp.Pong:
                    return info;
                case ServerOp.Error:
                    throw ServerErrors.ToException(error!, ServerErrors.Classify(error!));
                case ServerOp.Info:
                    info = newInfo!;
                    break;
                case ServerOp.Ping:
                    await stream.WriteAsync("PONG\r\n"u8.ToArray(), cancellationToken).ConfigureAwait(false);
                    break;
                case ServerOp.Ok:
                    break;
                default:
                    throw new NatsException(NatsError.Protocol, $"{server}: {op} during the handshake");
            }
        }
    }

    private async Task<(ServerOp Op, string? Error, NatsServerInfo? Info)> NextAsync(Stream stream,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_buffer.IsEnough && TryNext(out var next))
                return next;
            if (await _buffer.FillAsync(stream, cancellationToken).ConfigureAwait(false) == 0)
                throw new NatsException(NatsError.ConnectFailed,
                    $"{server}: closed the connection during the handshake");
        }
    }

    private bool TryNext(out (ServerOp Op, string? Error, NatsServerInfo? Info) next)
    {
        next = default;
        var status = FrameParser.TryRead(_buffer.Unread, _limits, out var frame, out var count);
        if (status == ParseStatus.Invalid)
            throw new NatsException(NatsError.Protocol, $"{server}: does not speak the NATS protocol");
        if (status == ParseStatus.NeedMore)
        {
            _buffer.Need(count);
            return false;
        }

        next = (
            frame.Op,
            frame.Op == ServerOp.Error ? Encoding.UTF8.GetString(frame.Text) : null,
            frame.Op == ServerOp.Info ? NatsServerInfo.Parse(frame.Text) : null);
        _buffer.Advance(count);
        return true;
    }

    private byte[] ConnectFrame(bool tls)
    {
        var credentials = opts.CredentialsCallback?.Invoke() ?? Credentials();
        var frame = new ArrayBufferWriter<byte>(512);
        frame.Write("CONNECT "u8);
        using (var json = new Utf8JsonWriter(frame))
        {
            json.WriteStartObject();
            json.WriteBoolean("verbose", false);
            json.WriteBoolean("pedantic", false);
            json.WriteBoolean("tls_required", tls);
            if (credentials.Token is not null)
                json.WriteString("auth_token", credentials.Token);
            if (credentials.Username is not null)
                json.WriteString("user", credentials.Username);
            if (credentials.Password is not null)
                json.WriteString("pass", credentials.Password);
            json.WriteString("name", opts.Name);
            json.WriteString("lang", "csharp");
            json.WriteString("version", "0.1.0");
            json.WriteNumber("protocol", 1);
            json.WriteBoolean("echo", true);
            json.WriteBoolean("headers", true);
            json.WriteBoolean("no_responders", true);
            json.WriteEndObject();
        }

        frame.Write("\r\nPING\r\n"u8);
        return frame.WrittenSpan.ToArray();
    }

    private NatsCredentials Credentials() =>
        opts.Username is not null || opts.Password is not null || opts.Token is not null || server.Credentials is null
            ? new NatsCredentials { Username = opts.Username, Password = opts.Password, Token = opts.Token }
            : server.Credentials;
}
