using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Sync.Contracts;
using Sync.Nats;
using Sync.Transport.Internal;

namespace Sync.Transport;

/// <summary>The bus over a NATS connection; made by <see cref="SyncBus"/>. Nothing crosses from one connection into the next: what
/// was not sent when it was lost is dropped, so the epoch tells the truth about what a flush confirmed.
/// Safety: the client is safe from any thread; the table of subscriptions is concurrent, and each subscription decides
/// under its own lock for which epochs it was told.</summary>
public sealed class NatsBus : IBus
{
    private const int PayloadMaxDefault = 1024 * 1024;

    private readonly ConcurrentDictionary<NatsBusSubscription, byte> _subscriptions = new();
    private readonly NatsConnection _connection;
    private readonly BusOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    internal NatsBus(BusOptions options, ILoggerFactory loggers, TimeProvider time)
    {
        (_options, _time, _logger) = (options, time, loggers.CreateLogger<NatsBus>());
        try
        {
            _connection = new NatsConnection(NatsMapping.ToOpts(options, loggers, time));
        }
        catch (NatsException exception)
        {
            throw NatsMapping.ToSync(exception);
        }
        _connection.ConnectionOpened += OnOpened;
    }

    /// <inheritdoc/>
    public bool IsConnected => _connection.ConnectionState == NatsConnectionState.Open;

    /// <inheritdoc/>
    public long ConnectionEpoch => _connection.Epoch + _connection.PublishesDenied;

    /// <inheritdoc/>
    public int MaxPayload => _connection.ServerInfo?.MaxPayload ?? PayloadMaxDefault;

    /// <summary>Subscriptions now; for tests of leaks.</summary>
    public int SubscriptionCount => _subscriptions.Count;

    /// <inheritdoc/>
    public async ValueTask PublishAsync(
        string subject, ReadOnlyMemory<byte> payload, BusHeaders? headers = null, CancellationToken cancellation = default)
    {
        try
        {
            await _connection.PublishAsync(subject, payload, NatsMapping.ToNats(headers), cancellationToken: cancellation)
                .ConfigureAwait(false);
        }
        catch (Exception exception) when (NatsMapping.IsOurs(exception))
        {
            throw NatsMapping.ToSync(exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancellation = default)
    {
        try
        {
            await _connection.FlushAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (NatsMapping.IsOurs(exception))
        {
            throw NatsMapping.ToSync(exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IAsyncDisposable> SubscribeAsync(
        string subject, IBusReceiver receiver, string? queueGroup = null, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        cancellation.ThrowIfCancellationRequested();
        var subscription = new NatsBusSubscription(receiver, _logger, gone => _subscriptions.TryRemove(gone, out _));
        using var limit = new CancellationTokenSource(_options.SubscribeTimeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            subscription.Begin(_connection, subject, queueGroup);
            _subscriptions[subscription] = 0;
            await ConfirmAsync(subscription, both.Token).ConfigureAwait(false);
            return subscription;
        }
        catch (Exception exception)
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            if (NatsMapping.IsOurs(exception)) throw NatsMapping.ToSync(exception);
            if (exception is not OperationCanceledException || cancellation.IsCancellationRequested) throw;
            throw new SyncException(
                SyncErrorCode.BusUnavailable, $"the subscription of {subject} was not confirmed within {_options.SubscribeTimeout}", true);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<BusReply> RequestAsync(
        string subject, ReadOnlyMemory<byte> payload, BusHeaders? headers, TimeSpan timeout, CancellationToken cancellation = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        try
        {
            var answer = await _connection
                .RequestAsync(subject, payload, NatsMapping.ToNats(headers), timeout, cancellation).ConfigureAwait(false);
            return BusReply.FromReceived(answer.Data, NatsMapping.ToBus(answer.Headers), answer.DataOwner);
        }
        catch (NatsException exception) when (exception.Error == NatsError.Timeout)
        {
            throw new SyncException(SyncErrorCode.NoAnswer, $"no answer on {subject} within {timeout}", true, exception);
        }
        catch (Exception exception) when (NatsMapping.IsOurs(exception))
        {
            throw NatsMapping.ToSync(exception);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IAsyncDisposable> ServeAsync(
        string subject, string queueGroup, BusHandler handler, ServeOptions options, CancellationToken cancellation = default) =>
        Responder.StartAsync(this, subject, queueGroup, _options.ReplyPrefix, handler, options, _logger, cancellation);

    /// <summary>Sends what is unsent if that takes no longer than a second, then closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _connection.ConnectionOpened -= OnOpened;
        await _connection.DisposeAsync().ConfigureAwait(false);
        _subscriptions.Clear();
    }

    internal async ValueTask ConnectAsync(CancellationToken cancellation)
    {
        try
        {
            await _connection.ConnectAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception exception) when (NatsMapping.IsOurs(exception))
        {
            throw NatsMapping.ToSync(exception);
        }
    }

    // The client keeps the subscription over a reconnect, so a lost connection only means to ask again on the next one.
    private async ValueTask ConfirmAsync(NatsBusSubscription subscription, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await subscription.ConfirmAsync(_connection, cancellation).ConfigureAwait(false);
                return;
            }
            catch (NatsException exception) when (exception.Error is NatsError.NotConnected or NatsError.ConnectionLost)
            {
                await _connection.WaitUntilOpenAsync(cancellation).ConfigureAwait(false);
            }
        }
    }

    private void OnOpened(object? sender, NatsEventArgs opened)
    {
        foreach (var (subscription, _) in _subscriptions) subscription.Reconnected(opened.Epoch);
    }
}
