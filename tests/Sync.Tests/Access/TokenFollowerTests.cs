using Microsoft.Extensions.Logging.Abstractions;
using Shouldly;
using Sync.Access;
using Sync.Contracts;
using Sync.Testing;
using Xunit;

namespace Sync.Tests.Access;

/// <summary>A follower's reads beside the commits of its own process.</summary>
public sealed class TokenFollowerTests
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(1);
    private readonly ManualTimeProvider _time = new(Tokens.Start.ToDateTimeOffset());
    private readonly AccessBook _book = new();
    private readonly TokenRecord _first = Tokens.Record(AccessToken.Mint(), "status");
    private readonly TokenRecord _second = Tokens.Record(AccessToken.Mint(), "status");

    [Fact]
    public async Task A_token_that_is_committed_while_all_are_loaded_stays_known()
    {
        // The page stands at the position before the commit that is made known meanwhile.
        var source = new Source { OnLoad = () => Put(_second), Tokens = [_first] };
        await using var follower = await FollowAsync(source);
        _book.Find(_first.Id).ShouldNotBeNull();
        _book.Find(_second.Id).ShouldNotBeNull();
    }

    [Fact]
    public async Task A_load_forgets_what_was_known_before_and_is_not_in_the_ledger()
    {
        Put(_first);
        var source = new Source { Tokens = [_second] };
        await using var follower = await FollowAsync(source);
        _book.Find(_first.Id).ShouldBeNull();
        _book.Find(_second.Id).ShouldNotBeNull();
    }

    [Fact]
    public async Task Another_history_is_loaded_anew()
    {
        var source = new Source { Tokens = [_first] };
        await using var follower = await FollowAsync(source);
        (source.Tokens, source.History) = ([_second], new HistoryId(2));
        _time.Advance(PollEvery);
        await _time.WhenArmedAsync();
        _book.Find(_first.Id).ShouldBeNull();
        _book.Find(_second.Id).ShouldNotBeNull();
    }

    private void Put(TokenRecord record) => _book.Put(record, new Sequence(1), Tokens.Start).ShouldBeTrue();

    /// <returns>It has read once and waits.</returns>
    private async Task<TokenFollower> FollowAsync(Source source)
    {
        var guard = AccessGuard.OfTokens(_book, [], TimeSpan.FromMinutes(1), _time);
        var follower = new TokenFollower(
            guard, source, null, new TokenFollowerOptions(PollEvery, TimeSpan.FromMinutes(1)), _time, NullLogger.Instance);
        follower.Start();
        await _time.WhenArmedAsync();
        guard.IsStale.ShouldBeFalse();
        return follower;
    }

    /// <summary>A ledger that has these tokens and nothing new behind them.</summary>
    private sealed class Source : ICollectionSource
    {
        public Action OnLoad { get; init; } = () => { };

        public TokenRecord[] Tokens { get; set; } = [];

        public HistoryId History { get; set; } = new(1);

        private Position Head => new(Tokens.Length);

        public ValueTask<SnapshotPage> SnapshotAsync(
            SyncedPattern scope, SnapshotRequest request, CancellationToken cancellation = default)
        {
            var page = new SnapshotPage
            {
                Feeds = 1,
                Feed = new FeedId(0),
                History = History,
                Floor = new Position(1),
                Position = Head,
                Envelopes = [.. Tokens.Select(EnvelopeOf)],
                Collections = [new CollectionEntry(scope.Vault!, scope.Collection!, Head)],
                More = false,
            };
            OnLoad();
            return new(page);
        }

        public ValueTask<ChangesPage> ChangesAsync(
            SyncedPattern scope, ChangesRequest request, CancellationToken cancellation = default) => new(new ChangesPage
            {
                Feed = request.Feed,
                History = History,
                Floor = new Position(1),
                Position = Head,
                Through = Head,
                Envelopes = [],
            });

        public ValueTask<VaultsPage> VaultsAsync(
            string group, VaultsRequest request, CancellationToken cancellation = default) =>
            throw new NotSupportedException();

        private static Envelope EnvelopeOf(TokenRecord record, int index) => new()
        {
            Key = TokenRecord.KeyOf(record.Id),
            Value = TokenRecordCodec.Encode(record),
            Sequence = new Sequence(1),
            Position = new Position(index + 1),
        };
    }
}
