namespace Sync.Contracts;

/// <summary>What a collection holds. Its first write declares it, and it never changes.</summary>
public enum CollectionShape
{
    /// <summary>Not declared: nothing was written yet.</summary>
    None = 0,

    /// <summary>Records: a key's last put is its value, until it is deleted.</summary>
    Store = 1,

    /// <summary>Events: each has a key of its own, is appended once and neither changed nor deleted.</summary>
    History = 2,
}
