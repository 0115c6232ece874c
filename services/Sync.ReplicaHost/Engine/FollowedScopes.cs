using Sync.Contracts;

namespace Sync.ReplicaHost.Engine;

/// <summary>The scopes of the settings; none is contained in another.</summary>
internal sealed class FollowedScopes(ReplicaHostOptions options)
{
    public IReadOnlyList<Followed> All { get; } =
        [.. options.Follow.Select(follow => new Followed(follow.Scope))];

    /// <summary>The scope that contains all of what is asked for.</summary>
    public Followed? Find(SyncedPattern wanted)
    {
        foreach (var followed in All)
            if (Scopes.Covers(followed.Scope, wanted)) return followed;
        return null;
    }
}
