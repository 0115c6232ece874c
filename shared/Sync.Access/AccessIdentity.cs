using Sync.Contracts;

namespace Sync.Access;

/// <summary>Who asks, and what they may do. Immutable; one for each token, made once.</summary>
public sealed class AccessIdentity
{
    private readonly AccessScope[] _scopes;
    private readonly bool _isAdmin;
    private long _loggedAt = long.MinValue;

    /// <summary>The identity that a token's record stands for.</summary>
    public AccessIdentity(TokenRecord record) : this(record?.Label!, record?.Scopes ?? []) => Record = record;

    private AccessIdentity(string label, IEnumerable<AccessScope> scopes)
    {
        (Label, _scopes) = (label, [.. scopes]);
        _isAdmin = _scopes.Contains(AccessScope.Admin);
    }

    /// <summary>Of everybody, where access is open.</summary>
    public static AccessIdentity Open { get; } = new("anybody", []);

    /// <summary>Of the token whose hash is a setting: it may manage tokens, and operate.</summary>
    public static AccessIdentity Root { get; } = new("root", [AccessScope.Admin]);

    /// <summary>Of a token that settings name; its end is the end of the setting.</summary>
    /// <param name="label">Whose it is.</param>
    /// <param name="scopes">What it allows.</param>
    public static AccessIdentity OfSettings(string label, IEnumerable<AccessScope> scopes) => new(label, scopes);

    /// <summary>For people; never a secret.</summary>
    public string Label { get; }

    /// <summary>What is known of its token; null = <see cref="Open"/>, <see cref="Root"/>, or named by settings.</summary>
    public TokenRecord? Record { get; }

    /// <summary>True when there are no tokens here.</summary>
    public bool IsOpen => ReferenceEquals(this, Open);

    /// <summary>True when it may do this with all of the target. The vault of tokens, and whatever holds it, needs
    /// <see cref="AccessAction.Admin"/> as well.</summary>
    public bool Covers(AccessAction action, AccessTarget target)
    {
        if (IsOpen) return true;
        if (target.Vault == AccessScope.TokenVault) return _isAdmin;
        if (target.IsEverything && !_isAdmin) return false;
        foreach (var scope in _scopes)
            if (scope.Covers(action, target)) return true;
        return false;
    }

    internal bool TryMarkLogged(long now, TimeSpan every, TimeProvider time)
    {
        var before = Volatile.Read(ref _loggedAt);
        return (before == long.MinValue || time.GetElapsedTime(before, now) >= every)
            && Interlocked.CompareExchange(ref _loggedAt, now, before) == before;
    }

    /// <summary>What a scope that is missing would be, for a refusal.</summary>
    public static string Needed(AccessAction action, AccessTarget target)
    {
        if (action is AccessAction.Status or AccessAction.Admin) return $"the scope {AccessScope.NameOf(action)}";
        if (target.Vault == AccessScope.TokenVault) return "the scope admin";
        return target.IsEverything ? $"the scopes {AccessScope.NameOf(action)}:*/* and admin"
            : $"a scope that covers {AccessScope.NameOf(action)}:{target}";
    }
}
