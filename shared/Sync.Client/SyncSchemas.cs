using Sync.Contracts;

namespace Sync.Client;

/// <summary>The models of a process: one schema for each type. Filled at start, then only read; safe from any thread once built.</summary>
public sealed class SyncSchemas
{
    private readonly Dictionary<Type, object> _schemas = [];

    /// <summary>Adds the schema of a type; a type has one.</summary>
    /// <exception cref="SyncException">The type has a schema already.</exception>
    public SyncSchemas Add<T>(SyncSchema<T> schema)
    {
        if (!_schemas.TryAdd(typeof(T), schema))
            throw new SyncException(SyncErrorCode.Invalid, $"{typeof(T)} has a schema already; give another one with the call that needs it");
        return this;
    }

    /// <summary>The schema of a type.</summary>
    /// <exception cref="SyncException">None was added.</exception>
    public SyncSchema<T> Of<T>() => _schemas.TryGetValue(typeof(T), out var schema)
        ? (SyncSchema<T>)schema
        : throw new SyncException(SyncErrorCode.Invalid, $"{typeof(T)} has no schema; add one, e.g. SyncSchema.Json(AppJson.Default.{typeof(T).Name}, \"1.0\")");
}
