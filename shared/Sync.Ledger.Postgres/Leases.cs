using Npgsql;
using Sync.Contracts;
using static Sync.Ledger.Postgres.Statements;

namespace Sync.Ledger.Postgres;

/// <summary>Leases of feeds, by the database's clock only. Each statement locks the feed's row, so it comes before or
/// after any commit of the feed, never in the middle: after an acquisition no commit of an older epoch can
/// land.</summary>
internal sealed class Leases(Connections connections)
{
    private const string Acquire = """
        update sync.feed
        set lease_epoch = lease_epoch + 1, lease_owner = $2, lease_until = clock_timestamp() + $3
        where feed = $1 and (lease_owner is null or lease_owner = $2 or lease_until <= clock_timestamp())
        returning lease_epoch, position, chain, last_time, published
        """;

    private const string Renew = """
        update sync.feed set lease_until = clock_timestamp() + $4, published = greatest(published, $5)
        where feed = $1 and lease_epoch = $2 and lease_owner = $3
        """;

    private const string Release = """
        update sync.feed set lease_owner = null, lease_until = null, published = greatest(published, $4)
        where feed = $1 and lease_epoch = $2 and lease_owner = $3
        """;

    private const string Status = """
        select feed, position, published, floor, lease_epoch, lease_owner,
               coalesce(lease_until - clock_timestamp(), interval '0')
        from sync.feed order by feed
        """;

    internal ValueTask<FeedState?> AcquireAsync(FeedId feed, string owner, TimeSpan ttl, CancellationToken cancellation) =>
        connections.RunAsync(
            async (connection, token) =>
            {
                var states = await connection.QueryAsync(
                    Acquire, reader => ReadState(reader, feed, owner), token, Value((short)feed.Value), Value(owner), Value(ttl))
                    .ConfigureAwait(false);
                return states.Count == 0 ? null : states[0];
            },
            cancellation);

    internal ValueTask<bool> RenewAsync(FeedLease lease, TimeSpan ttl, Position published, CancellationToken cancellation) =>
        connections.RunAsync(
            async (connection, token) => await connection.ExecuteAsync(
                Renew, token, Value((short)lease.Feed.Value), Value(lease.Epoch.Value), Value(lease.Owner), Value(ttl),
                Value(published.Value)).ConfigureAwait(false) == 1,
            cancellation);

    internal ValueTask<int> ReleaseAsync(FeedLease lease, Position published, CancellationToken cancellation) =>
        connections.RunAsync(
            (connection, token) => connection.ExecuteAsync(
                Release, token, Value((short)lease.Feed.Value), Value(lease.Epoch.Value), Value(lease.Owner), Value(published.Value)),
            cancellation);

    /// <summary>Bounded by the number of feeds, at most 1,024 rows of one table.</summary>
    internal ValueTask<List<FeedStatus>> StatusAsync(CancellationToken cancellation) =>
        connections.RunAsync(
            (connection, token) => connection.QueryAsync(
                Status,
                reader => new FeedStatus(
                    new(reader.GetInt16(0)), new(reader.GetInt64(1)), new(reader.GetInt64(2)), new(reader.GetInt64(3)),
                    new(reader.GetInt64(4)), reader.IsDBNull(5) ? null : reader.GetString(5), reader.GetFieldValue<TimeSpan>(6)),
                token),
            cancellation);

    private static FeedState ReadState(NpgsqlDataReader reader, FeedId feed, string owner) => new(
        new FeedLease(feed, new LeaseEpoch(reader.GetInt64(0)), owner), new(reader.GetInt64(1)), FactRow.ReadHash(reader, 2),
        new(reader.GetInt64(3)), new(reader.GetInt64(4)));
}
