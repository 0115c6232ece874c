using System.Security.Cryptography;
using Sync.Nats.Internal;

namespace Sync.Nats;

/// <summary>
/// A connection to a NATS server or cluster. One object for the life of the process: it reconnects and resubscribes
/// by itself. All members may be called from any thread. Core NATS is at-most-once: a publish that was accepted can
/// still be lost with its connection; <see cref="FlushAsync"/> confirms, <see cref="Epoch"/> tells whether a
/// connection was replaced.
/// </summary>
public sealed partial class NatsConnection : IAsyncDisposable
{
    private static readonly TimeSpan CloseTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LastFlushTimeout = TimeSpan.FromSeconds(1);

    // 22 of 62 characters: 130 bits, which nobody guesses.
    private const string InboxAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int InboxRandomChars = 22;

    private readonly SemaphoreSlim _lifecycle = new(1, 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _inbox;
    private Task _loop = Task.CompletedTask;
    private HandlerSubscription? _replies;
    private int _disposed;

    /// <summary>Creates the connection object; nothing is connected yet.</summary>
    /// <param name="opts">Options; null means all defaults.</param>
    /// <exception cref="NatsException">An option is out of its range; the text names it.</exception>
    public NatsConnection(NatsOpts? opts = null)
    {
        Opts = opts ?? NatsOpts.Default;
        Opts.Validate();
        _inbox = NewInbox();
        Core = new ConnectionCore(Opts) { Requests = new Requests(_inbox, Opts.RequestsMax), Owner = this };
    }

    /// <summary>The options.</summary>
    public NatsOpts Opts { get; }

    /// <summary>Where the connection stands.</summary>
    public NatsConnectionState ConnectionState => Core.State;

    /// <summary>Number of the present (or last) connection to a server: 0 before the first, one more at each reconnect.
    /// Whoever saw it change must take everything as lost that was not confirmed by <see cref="FlushAsync"/>
    /// before.</summary>
    public long Epoch => Core.Epoch;

    /// <summary>Messages that the server refused to take from this client; a flush behind one is answered after it is
    /// counted.</summary>
    public long PublishesDenied => Core.Counters.PublishesDenied;

    /// <summary>What the present (or last) server said about itself; null before the first connect.</summary>
    public NatsServerInfo? ServerInfo => Core.Info;

    /// <summary>Counters since construction.</summary>
    public NatsStatistics Statistics => Core.Counters.Read();

    internal ConnectionCore Core { get; }

    /// <summary>Connects. After success the connection keeps itself alive until it is disposed. May be called
    /// again.</summary>
    /// <param name="cancellationToken">Ends the wait, not the attempts.</param>
    /// <returns>Completes when connected; with <see cref="NatsOpts.RetryOnInitialConnect"/> also after the first
    /// failed round.</returns>
    /// <exception cref="NatsException">No server could be connected to, or the connection gave up before.</exception>
    public async ValueTask ConnectAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_disposed != 0, this);
        await _lifecycle.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (ConnectionState == NatsConnectionState.Failed)
                throw new NatsException(NatsError.Closed, "The connection has given up; make a new one");
            if (ConnectionState != NatsConnectionState.Closed)
                return;
            var loop = new ConnectionLoop(Core, _stop.Token);
            _loop = Task.Run(loop.RunAsync, CancellationToken.None);
            await loop.FirstRound.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _lifecycle.Release();
        }
    }

    /// <summary>Waits until there is a connection.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Completes at once if there is one.</returns>
    /// <exception cref="NatsException">Given up or closed.</exception>
    public async ValueTask WaitUntilOpenAsync(CancellationToken cancellationToken = default) =>
        await Core.WaitUntilOpenAsync(cancellationToken).ConfigureAwait(false);

    /// <summary>A round trip to the server, behind everything published before.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The time it took.</returns>
    /// <exception cref="NatsException">No connection, or it was lost meanwhile, or no answer in
    /// <see cref="NatsOpts.RequestTimeout"/>.</exception>
    public async ValueTask<TimeSpan> PingAsync(CancellationToken cancellationToken = default)
    {
        var start = Opts.TimeProvider.GetTimestamp();
        await FlushAsync(cancellationToken).ConfigureAwait(false);
        return Opts.TimeProvider.GetElapsedTime(start);
    }

    /// <summary>
    /// Waits until the server has handled everything that this connection published before the call. An error means
    /// that the publishes since the last success are <b>not</b> confirmed: they may or may not have arrived. The
    /// proof holds for publishes made since the returned epoch began: compare it with the epoch seen before the first
    /// of them.
    /// </summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The epoch that was confirmed.</returns>
    /// <exception cref="NatsException">No connection, or it was lost meanwhile, or no answer in
    /// <see cref="NatsOpts.RequestTimeout"/>.</exception>
    public async ValueTask<long> FlushAsync(CancellationToken cancellationToken = default)
    {
        var fence = Core.Buffer.AppendFence();
        try
        {
            return await fence.Task.WaitAsync(Opts.RequestTimeout, Opts.TimeProvider, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new NatsException(NatsError.Timeout, $"The server did not confirm within {Opts.RequestTimeout}");
        }
    }

    /// <summary>Ends all subscriptions after what was on its way to them, sends what is unsent, and closes.</summary>
    /// <param name="cancellationToken">Ends the waiting; the connection is closed then, too.</param>
    /// <returns>Completes when closed. Consumers can still read what they have received.</returns>
    public async ValueTask DrainAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var subscriptions = Core.Subscriptions.Snapshot().Where(s => s != _replies);
            await Task.WhenAll(subscriptions.Select(s => s.DrainAsync(cancellationToken).AsTask()))
                .ConfigureAwait(false);
        }
        finally
        {
            await DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>A new subject that nobody else has, under the inbox prefix.</summary>
    /// <returns>The subject.</returns>
    public string NewInbox() =>
        $"{Opts.InboxPrefix}.{RandomNumberGenerator.GetString(InboxAlphabet, InboxRandomChars)}";

    /// <summary>Sends what is unsent if that takes no longer than a second, then closes. Calls that wait
    /// fail.</summary>
    /// <returns>Completes when closed; bounded in time also without a connection.</returns>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        if (ConnectionState == NatsConnectionState.Open)
        {
            using var limit = new CancellationTokenSource(LastFlushTimeout, Opts.TimeProvider);
            await ((Task)FlushAsync(limit.Token).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await _stop.CancelAsync().ConfigureAwait(false);
        // Bounded, since a callback that never returns would hold up the read loop for ever.
        await _loop.WaitAsync(CloseTimeout, Opts.TimeProvider).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Core.Close(NatsConnectionState.Closed, new NatsException(NatsError.Closed, "The connection is closed"));
        _ = Core.Events.CompleteAsync();
        _stop.Dispose();
        _lifecycle.Dispose();
    }
}
