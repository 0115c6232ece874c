using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Sync.Contracts;

namespace Sync.Access;

/// <summary>Keeps the book of a guard current: loads all tokens, then reads on behind them at a steady pace, and at once when
/// an envelope of a token arrives. What is heard only wakes; what is read decides, so an envelope that is lost or forged
/// changes nothing. Each read that succeeds shows that the book is current.</summary>
/// <remarks>One loop owns all state. Envelopes only wake it.</remarks>
public sealed class TokenFollower : IEnvelopeHandler, IAsyncDisposable
{
    private const int PageMax = 1000;

    private static readonly SyncedPattern Tokens =
        SyncedPattern.OfCollection(AccessScope.TokenVault, AccessScope.TokenCollection);

    private readonly AccessGuard _guard;
    private readonly ICollectionSource _source;
    private readonly ITransport? _transport;
    private readonly TimeSpan _pollEvery;
    private readonly TimeSpan _staleMax;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly AccessGauges _figures;
    private readonly CancellationTokenSource _stop = new();

    // One waiting signal says all that many would say.
    private readonly Channel<bool> _wake = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    private Task _loop = Task.CompletedTask;
    private IAsyncDisposable? _heard;
    private bool _isLoaded;
    private bool _isFailing;
    private bool _saidNotHeard;
    private FeedPosition? _after;

    /// <summary>Makes one; <see cref="Start"/> begins.</summary>
    /// <param name="guard">Whose book to keep; not an open one.</param>
    /// <param name="source">Where tokens are read: the ledger, or a writer over the bus.</param>
    /// <param name="transport">Brings envelopes of tokens; null = reading at its pace must do.</param>
    /// <param name="options">Times.</param>
    /// <param name="time">Paces the reads.</param>
    /// <param name="logger">Takes what is wrong.</param>
    public TokenFollower(
        AccessGuard guard, ICollectionSource source, ITransport? transport, TokenFollowerOptions options, TimeProvider time,
        ILogger logger)
    {
        ArgumentNullException.ThrowIfNull(guard);
        ArgumentNullException.ThrowIfNull(options);
        (_guard, _source, _transport, _time, _logger) = (guard, source, transport, time, logger);
        (_pollEvery, _staleMax) = (options.PollEvery, options.StaleMax);
        _figures = new AccessGauges(guard);
    }

    /// <summary>Begins; call it once.</summary>
    public void Start() => _loop = Task.Run(LoopAsync, CancellationToken.None);

    /// <summary>Reads on now instead of at the next time.</summary>
    public void Wake() => _wake.Writer.TryWrite(true);

    /// <inheritdoc/>
    public void Receive(Envelope envelope) => Wake();

    /// <inheritdoc/>
    public void Disrupted(Disruption disruption) => Wake();

    /// <summary>Ends the loop.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(false);
        if (_heard is { } heard) await heard.DisposeAsync().ConfigureAwait(false);
        _figures.Dispose();
        _stop.Dispose();
    }

    private async Task LoopAsync()
    {
        try
        {
            while (true)
            {
                await HearAsync().ConfigureAwait(false);
                await ReadAsync().ConfigureAwait(false);
                await WaitAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
    }

    private async Task WaitAsync()
    {
        using var timer = _time.CreateTimer(
            static state => ((ChannelWriter<bool>)state!).TryWrite(true), _wake.Writer, _pollEvery, Timeout.InfiniteTimeSpan);
        await _wake.Reader.ReadAsync(_stop.Token).ConfigureAwait(false);
    }

    // Tried again at each pace until it succeeds; a subscription then outlives the connection.
    private async Task HearAsync()
    {
        if (_transport is null || _heard is not null) return;
        try
        {
            _heard = await _transport.SubscribeAsync(Tokens, this, _stop.Token).ConfigureAwait(false);
        }
        catch (SyncException error)
        {
            if (_saidNotHeard) return;
            _saidNotHeard = true;
            AccessLog.NotHeard(_logger, _pollEvery, error.Message);
        }
    }

    private async Task ReadAsync()
    {
        var began = _guard.Now;
        try
        {
            if (_after is { } after) await ReadOnAsync(after).ConfigureAwait(false);
            else await LoadAsync().ConfigureAwait(false);
            _guard.MarkCurrent(began);
            if (!_isLoaded || _isFailing) AccessLog.Loaded(_logger, _guard.Book.Count);
            (_isLoaded, _isFailing) = (true, false);
        }
        catch (Exception error) when (!_stop.IsCancellationRequested)
        {
            // Also a defect: who cannot read tokens lets nobody in soon, and must go on trying.
            if (!_isFailing) AccessLog.CannotRead(_logger, _staleMax, error.Message);
            _isFailing = true;
        }
    }

    private async Task LoadAsync()
    {
        // Only what was known before may be gone: a token that is committed meanwhile is put into the book beside this
        // loop, and pages of before do not have it.
        var gone = _guard.Book.Ids();
        FeedPosition? first = null;
        SyncedKey? behind = null;
        var hasCollection = false;
        while (true)
        {
            var page = await _source.SnapshotAsync(Tokens, new SnapshotRequest(null, behind, PageMax), _stop.Token)
                .ConfigureAwait(false);
            // Later pages may stand at later positions: reading on begins behind the first one's.
            first ??= new FeedPosition(page.Feed, page.History, page.Position);
            hasCollection |= page.Collections.Count > 0;
            foreach (var envelope in page.Envelopes)
            {
                Take(envelope);
                gone.Remove(envelope.Key.Key);
            }
            if (!page.More) break;
            behind = page.Envelopes[^1].Key;
        }
        foreach (var id in gone) _guard.Book.Remove(id);
        // Changes of a collection that is not there yet would be looked for among those of all the others.
        _after = hasCollection ? first : null;
    }

    private async Task ReadOnAsync(FeedPosition after)
    {
        while (true)
        {
            var page = await _source.ChangesAsync(
                Tokens, new ChangesRequest(after.Feed, after.Position, PageMax), _stop.Token).ConfigureAwait(false);
            if (page.History != after.History || page.Floor > after.Position.Next || page.Position < after.Position)
            {
                _after = null;
                await LoadAsync().ConfigureAwait(false);
                return;
            }
            foreach (var envelope in page.Envelopes) Take(envelope);
            after = after with { Position = page.Through > after.Position ? page.Through : after.Position };
            _after = after;
            if (page.Through >= page.Position) return;
        }
    }

    private void Take(Envelope envelope)
    {
        if (envelope.Op == ChangeOp.Delete)
        {
            _guard.Book.Remove(envelope.Key.Key);
            return;
        }
        var record = TokenRecordCodec.Decode(envelope.Value.Span);
        if (!record.IsOk || record.Value.Id != envelope.Key.Key)
        {
            // What cannot be read must not leave an older state standing: it may have been a revocation.
            _guard.Book.Remove(envelope.Key.Key);
            AccessLog.BadRecord(_logger, envelope.Position.Value, record.Error ?? "it names another token");
        }
        else if (!_guard.Book.Put(record.Value, envelope.Sequence, Timestamp.From(_time.GetUtcNow())))
        {
            AccessLog.Full(_logger, AccessBook.TokensMax);
        }
    }
}

/// <summary>Times of a <see cref="TokenFollower"/>.</summary>
/// <param name="PollEvery">Between two reads when nothing is heard.</param>
/// <param name="StaleMax">For the log: how long known tokens are honoured without a read.</param>
public sealed record TokenFollowerOptions(TimeSpan PollEvery, TimeSpan StaleMax);
