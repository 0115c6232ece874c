using System.Collections.Frozen;
using Sync.Contracts;

namespace Sync.Access;

/// <summary>The check that every door makes: is this token good now? Whether it allows what is asked is the identity's to
/// say. Decides from memory, without a lock and without allocating; when the book could not be kept current for too long it
/// lets nobody in but the tokens that settings name. Safe from any thread.</summary>
public sealed class AccessGuard
{
    /// <summary>Between two log entries of the use of one token for its purpose.</summary>
    private static readonly TimeSpan PurposeLogEvery = TimeSpan.FromMinutes(1);

    // Those that settings name: the root token, and tokens of services.
    private readonly FrozenDictionary<Hash256, AccessIdentity> _fixed;
    private readonly TimeSpan _staleMax;
    private readonly TimeProvider _time;
    private long _currentAt = long.MinValue;

    private AccessGuard(
        AccessBook book, bool isOpen, IEnumerable<KeyValuePair<Hash256, AccessIdentity>> named, TimeSpan staleMax,
        TimeProvider time) =>
        (Book, IsOpen, _fixed, _staleMax, _time) = (book, isOpen, named.ToFrozenDictionary(), staleMax, time);

    /// <summary>A guard that checks tokens; it is stale until <see cref="MarkCurrent"/>.</summary>
    /// <param name="book">What is known of tokens.</param>
    /// <param name="named">Tokens that are good as long as this process runs, by the SHA-256 of their texts: the root token
    /// (<see cref="AccessIdentity.Root"/>), and those that settings give to services.</param>
    /// <param name="staleMax">Longest time without <see cref="MarkCurrent"/>.</param>
    /// <param name="time">Expiry goes by its wall clock, staleness by its steady one.</param>
    public static AccessGuard OfTokens(
        AccessBook book, IEnumerable<KeyValuePair<Hash256, AccessIdentity>> named, TimeSpan staleMax,
        TimeProvider time) => new(book, false, named, staleMax, time);

    /// <summary>A guard that lets everybody do everything.</summary>
    public static AccessGuard Open(TimeProvider time) => new(new AccessBook(1), true, [], TimeSpan.Zero, time);

    /// <summary>True when there are no tokens here.</summary>
    public bool IsOpen { get; }

    /// <summary>What is known of tokens.</summary>
    public AccessBook Book { get; }

    /// <summary>Since when the book may miss something; null = it was never current.</summary>
    public TimeSpan? Age
    {
        get
        {
            var at = Volatile.Read(ref _currentAt);
            return at == long.MinValue ? null : _time.GetElapsedTime(at);
        }
    }

    /// <summary>True when nothing can be decided: tokens are refused with <see cref="AccessState.Stale"/>.</summary>
    public bool IsStale => !IsOpen && !(Age <= _staleMax);

    /// <summary>A steady time to give to <see cref="MarkCurrent"/> later.</summary>
    public long Now => _time.GetTimestamp();

    /// <summary>The book has everything that was committed when a read of it began.</summary>
    /// <param name="began"><see cref="Now"/> from before that read.</param>
    public void MarkCurrent(long began) => Volatile.Write(ref _currentAt, began);

    /// <summary>Checks what a request brings along.</summary>
    /// <param name="authorization">The header: <c>Bearer</c>, a space, the token. Null = none.</param>
    /// <param name="purpose">The header <c>Sync-Purpose</c>; null = none.</param>
    public AccessResult Check(string? authorization, string? purpose)
    {
        if (IsOpen) return new AccessResult(AccessState.Granted, AccessIdentity.Open);
        var result = CheckToken(authorization);
        if (result.Identity?.Record?.Purpose is { } needed)
        {
            if (purpose != needed) result = result with { State = AccessState.WrongPurpose };
            else AccessMetrics.PurposeUsed(result.Identity.Label, needed);
        }
        AccessMetrics.Checked(result.State);
        return result;
    }

    /// <summary>Checks an identity again that was granted before: a request that goes on for long.</summary>
    public AccessState Again(AccessIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        if (identity.Record is null) return AccessState.Granted;
        return IsStale ? AccessState.Stale : Book.Again(identity, Wall);
    }

    /// <summary>True once in a while: the use of a token for its purpose is worth a log entry.</summary>
    public bool IsPurposeToLog(AccessIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return identity.Record?.Purpose is not null && identity.TryMarkLogged(_time.GetTimestamp(), PurposeLogEvery, _time);
    }

    private Timestamp Wall => Timestamp.From(_time.GetUtcNow());

    private AccessResult CheckToken(string? authorization)
    {
        const string scheme = "Bearer ";
        if (string.IsNullOrEmpty(authorization)) return new AccessResult(AccessState.Missing, null);
        var token = authorization.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)
            ? authorization.AsSpan(scheme.Length) : default;
        if (!AccessToken.IsWellFormed(token)) return new AccessResult(AccessState.Malformed, null);
        var hash = AccessToken.HashOf(token);
        if (_fixed.TryGetValue(hash, out var known)) return new AccessResult(AccessState.Granted, known);
        return IsStale ? new AccessResult(AccessState.Stale, null) : Book.Check(token, hash, Wall);
    }
}
