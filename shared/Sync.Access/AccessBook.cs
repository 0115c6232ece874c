using System.Collections.Concurrent;
using Sync.Contracts;

namespace Sync.Access;

/// <summary>What a check came to.</summary>
public enum AccessState
{
    /// <summary>Known, and good now.</summary>
    Granted,

    /// <summary>No token came.</summary>
    Missing,

    /// <summary>What came is not a token.</summary>
    Malformed,

    /// <summary>Nobody issued it, or its secret is wrong.</summary>
    Unknown,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>It was taken back.</summary>
    Revoked,

    /// <summary>It is for a purpose that the request does not name.</summary>
    WrongPurpose,

    /// <summary>What is known of tokens is too old to decide.</summary>
    Stale,
}

/// <summary>A check's result.</summary>
/// <param name="State">What it came to.</param>
/// <param name="Identity">Of the token, when it is granted or only its purpose is missing; else null.</param>
public readonly record struct AccessResult(AccessState State, AccessIdentity? Identity);

/// <summary>The tokens that are known here, by id. A core: no clock inside. Bounded: beyond <see cref="TokensMax"/> those go
/// first that are of no use any more, and then new ones are not taken in.</summary>
/// <remarks>One loop writes (<see cref="TokenFollower"/>), beside it whoever has just committed a token's record; any
/// thread reads, without a lock. A record replaces only one of a lower sequence, so the order of writers does not
/// matter.</remarks>
public sealed class AccessBook
{
    /// <summary>Most tokens that are kept.</summary>
    public const int TokensMax = 100_000;

    private readonly int _tokensMax;
    private readonly ConcurrentDictionary<string, Entry> _tokens = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Entry>.AlternateLookup<ReadOnlySpan<char>> _byId;

    private sealed record Entry(AccessIdentity Identity, TokenRecord Record, Sequence Sequence);

    /// <summary>An empty book.</summary>
    /// <param name="tokensMax">Most tokens.</param>
    public AccessBook(int tokensMax = TokensMax)
    {
        _tokensMax = tokensMax;
        _byId = _tokens.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Tokens that are kept.</summary>
    public int Count => _tokens.Count;

    /// <summary>Takes in a record, unless a newer one is known.</summary>
    /// <param name="record">The record.</param>
    /// <param name="sequence">Its sequence.</param>
    /// <param name="now">Tells which tokens are of no use any more when there is no room.</param>
    /// <returns>False when there is no room: the token is then unknown here.</returns>
    public bool Put(TokenRecord record, Sequence sequence, Timestamp now)
    {
        ArgumentNullException.ThrowIfNull(record);
        var entry = new Entry(new AccessIdentity(record), record, sequence);
        if (!_tokens.ContainsKey(record.Id) && !HasRoom(now)) return false;
        _tokens.AddOrUpdate(
            record.Id, static (_, added) => added,
            static (_, known, added) => added.Sequence > known.Sequence ? added : known, entry);
        return true;
    }

    /// <summary>True when one more token can be taken in.</summary>
    public bool HasRoom(Timestamp now) => _tokens.Count < _tokensMax || MakeRoom(now);

    /// <summary>Forgets a token.</summary>
    public void Remove(string id) => _tokens.TryRemove(id, out _);

    /// <summary>The ids of all tokens that are kept now.</summary>
    public ISet<string> Ids() => new HashSet<string>(_tokens.Keys, StringComparer.Ordinal);

    /// <summary>Looks a token up.</summary>
    /// <param name="token">A well-formed token.</param>
    /// <param name="hash">Its hash.</param>
    /// <param name="now">Of this process.</param>
    public AccessResult Check(ReadOnlySpan<char> token, Hash256 hash, Timestamp now)
    {
        if (!_byId.TryGetValue(AccessToken.IdOf(token), out var entry) || !AccessToken.IsSame(entry.Record.Hash, hash))
            return new AccessResult(AccessState.Unknown, null);
        var state = StateOf(entry.Record, now);
        return new AccessResult(state, state == AccessState.Granted ? entry.Identity : null);
    }

    /// <summary>Whether a token that was granted still is.</summary>
    public AccessState Again(AccessIdentity identity, Timestamp now)
    {
        ArgumentNullException.ThrowIfNull(identity);
        if (identity.Record is not { } record) return AccessState.Granted;
        return _tokens.TryGetValue(record.Id, out var entry) && entry.Record.Hash == record.Hash
            ? StateOf(entry.Record, now)
            : AccessState.Unknown;
    }

    /// <summary>What is known of a token; null = it is unknown here.</summary>
    public TokenRecord? Find(string id) => _tokens.TryGetValue(id, out var entry) ? entry.Record : null;

    /// <summary>A page of tokens in the order of their ids. Looks through all of them: for people, not for checks.</summary>
    /// <param name="after">Begin behind this id; null = with the first.</param>
    /// <param name="limit">Most tokens.</param>
    public IReadOnlyList<TokenRecord> List(string? after, int limit) =>
    [
        .. _tokens.Values.Select(entry => entry.Record)
            .Where(record => after is null || string.CompareOrdinal(record.Id, after) > 0)
            .OrderBy(record => record.Id, StringComparer.Ordinal).Take(limit),
    ];

    private static AccessState StateOf(TokenRecord record, Timestamp now) =>
        record.Revoked is not null ? AccessState.Revoked
        : now >= record.Expires ? AccessState.Expired : AccessState.Granted;

    private bool MakeRoom(Timestamp now)
    {
        foreach (var (id, entry) in _tokens)
            if (StateOf(entry.Record, now) != AccessState.Granted) Remove(id);
        return _tokens.Count < _tokensMax;
    }
}
