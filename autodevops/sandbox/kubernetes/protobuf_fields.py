"""Field numbers of the messages kubectl writes in protobuf (`k8s.io/api/*/generated.proto`). Data for `protobuf.py`.

One line a message: `name:number:type`. Types: `s` text, `i` whole number, `b` truth, `t` time, `q` quantity, `x` number
or text, `n` names (a map of text), `Q` a map of quantities, `B` a map of bytes, else the name of a message. `*` after a
type: what is there is kept even when it is empty (a Go pointer); otherwise nought and nothing are the same. `[]` before
it: a list. `-` as name: the fields belong to the message around it.
"""

from __future__ import annotations

_LIST = "metadata:1:ObjectMeta spec:2:"

MESSAGES: dict[str, str] = {
    # roots, by kind
    **{kind: f"{_LIST}{kind}Spec" for kind in (
        "Namespace", "Pod", "Service", "ResourceQuota", "Deployment", "Job", "CronJob", "PodDisruptionBudget",
        "Ingress", "HorizontalPodAutoscaler", "TokenRequest", "Scale", "SelfSubjectAccessReview",
        "SelfSubjectRulesReview", "SubjectAccessReview", "ReplicaSet",
    )},
    "LocalSubjectAccessReview": f"{_LIST}SubjectAccessReviewSpec",
    "SelfSubjectReview": "metadata:1:ObjectMeta",
    "ConfigMap": "metadata:1:ObjectMeta data:2:n binaryData:3:B immutable:4:b*",
    "Secret": "metadata:1:ObjectMeta data:2:B type:3:s stringData:4:n immutable:5:b*",
    "ServiceAccount": (
        "metadata:1:ObjectMeta secrets:2:[]ObjectReference imagePullSecrets:3:[]LocalObjectReference "
        "automountServiceAccountToken:4:b*"
    ),
    "Role": "metadata:1:ObjectMeta rules:2:[]PolicyRule",
    "ClusterRole": "metadata:1:ObjectMeta rules:2:[]PolicyRule aggregationRule:3:AggregationRule*",
    "RoleBinding": "metadata:1:ObjectMeta subjects:2:[]Subject roleRef:3:RoleRef",
    "ClusterRoleBinding": "metadata:1:ObjectMeta subjects:2:[]Subject roleRef:3:RoleRef",
    "PriorityClass": "metadata:1:ObjectMeta value:2:i* globalDefault:3:b description:4:s preemptionPolicy:5:s*",
    "Eviction": "metadata:1:ObjectMeta deleteOptions:2:DeleteOptions*",
    "DeleteOptions": (
        "gracePeriodSeconds:1:i* preconditions:2:Preconditions* orphanDependents:3:b* propagationPolicy:4:s* "
        "dryRun:5:[]s"
    ),
    # metadata
    "ObjectMeta": (
        "name:1:s generateName:2:s namespace:3:s uid:5:s resourceVersion:6:s generation:7:i creationTimestamp:8:t "
        "deletionTimestamp:9:t deletionGracePeriodSeconds:10:i* labels:11:n annotations:12:n "
        "ownerReferences:13:[]OwnerReference finalizers:14:[]s"
    ),
    "OwnerReference": "kind:1:s name:3:s uid:4:s apiVersion:5:s controller:6:b* blockOwnerDeletion:7:b*",
    "Preconditions": "uid:1:s* resourceVersion:2:s*",
    "LabelSelector": "matchLabels:1:n matchExpressions:2:[]Requirement",
    "Requirement": "key:1:s operator:2:s values:3:[]s",
    "ObjectReference": "kind:1:s namespace:2:s name:3:s uid:4:s apiVersion:5:s resourceVersion:6:s fieldPath:7:s",
    "LocalObjectReference": "name:1:s",
    # workloads
    "DeploymentSpec": (
        "replicas:1:i* selector:2:LabelSelector* template:3:PodTemplateSpec strategy:4:DeploymentStrategy "
        "minReadySeconds:5:i revisionHistoryLimit:6:i* paused:7:b progressDeadlineSeconds:9:i*"
    ),
    "DeploymentStrategy": "type:1:s rollingUpdate:2:RollingUpdateDeployment*",
    "RollingUpdateDeployment": "maxUnavailable:1:x maxSurge:2:x",
    "ReplicaSetSpec": "replicas:1:i* selector:2:LabelSelector* template:3:PodTemplateSpec minReadySeconds:4:i",
    "JobSpec": (
        "parallelism:1:i* completions:2:i* activeDeadlineSeconds:3:i* selector:4:LabelSelector* manualSelector:5:b* "
        "template:6:PodTemplateSpec backoffLimit:7:i* ttlSecondsAfterFinished:8:i* completionMode:9:s* suspend:10:b* "
        "backoffLimitPerIndex:12:i* maxFailedIndexes:13:i* podReplacementPolicy:14:s*"
    ),
    "CronJobSpec": (
        "schedule:1:s startingDeadlineSeconds:2:i* concurrencyPolicy:3:s suspend:4:b* jobTemplate:5:JobTemplateSpec "
        "successfulJobsHistoryLimit:6:i* failedJobsHistoryLimit:7:i* timeZone:8:s*"
    ),
    "JobTemplateSpec": "metadata:1:ObjectMeta spec:2:JobSpec",
    "PodTemplateSpec": "metadata:1:ObjectMeta spec:2:PodSpec",
    # pods
    "PodSpec": (
        "volumes:1:[]Volume containers:2:[]Container restartPolicy:3:s terminationGracePeriodSeconds:4:i* "
        "activeDeadlineSeconds:5:i* dnsPolicy:6:s nodeSelector:7:n serviceAccountName:8:s serviceAccount:9:s "
        "nodeName:10:s hostNetwork:11:b hostPID:12:b hostIPC:13:b securityContext:14:PodSecurityContext* "
        "imagePullSecrets:15:[]LocalObjectReference hostname:16:s subdomain:17:s affinity:18:Affinity* "
        "schedulerName:19:s initContainers:20:[]Container automountServiceAccountToken:21:b* "
        "tolerations:22:[]Toleration hostAliases:23:[]HostAlias priorityClassName:24:s priority:25:i* "
        "dnsConfig:26:PodDNSConfig* shareProcessNamespace:27:b* readinessGates:28:[]PodReadinessGate "
        "runtimeClassName:29:s* enableServiceLinks:30:b* preemptionPolicy:31:s* overhead:32:Q "
        "topologySpreadConstraints:33:[]TopologySpreadConstraint setHostnameAsFQDN:35:b* hostUsers:37:b*"
    ),
    "Container": (
        "name:1:s image:2:s command:3:[]s args:4:[]s workingDir:5:s ports:6:[]ContainerPort env:7:[]EnvVar "
        "resources:8:ResourceRequirements volumeMounts:9:[]VolumeMount livenessProbe:10:Probe* "
        "readinessProbe:11:Probe* lifecycle:12:Lifecycle* terminationMessagePath:13:s imagePullPolicy:14:s "
        "securityContext:15:SecurityContext* stdin:16:b stdinOnce:17:b tty:18:b envFrom:19:[]EnvFromSource "
        "terminationMessagePolicy:20:s startupProbe:22:Probe* restartPolicy:24:s*"
    ),
    "ContainerPort": "name:1:s hostPort:2:i containerPort:3:i protocol:4:s hostIP:5:s",
    "EnvVar": "name:1:s value:2:s valueFrom:3:EnvVarSource*",
    "EnvVarSource": (
        "fieldRef:1:ObjectFieldSelector* resourceFieldRef:2:ResourceFieldSelector* configMapKeyRef:3:KeySelector* "
        "secretKeyRef:4:KeySelector*"
    ),
    "ObjectFieldSelector": "apiVersion:1:s fieldPath:2:s",
    "ResourceFieldSelector": "containerName:1:s resource:2:s divisor:3:q",
    "KeySelector": "-:1:LocalObjectReference key:2:s optional:3:b*",
    "EnvFromSource": "prefix:1:s configMapRef:2:EnvSource* secretRef:3:EnvSource*",
    "EnvSource": "-:1:LocalObjectReference optional:2:b*",
    "ResourceRequirements": "limits:1:Q requests:2:Q",
    "VolumeMount": (
        "name:1:s readOnly:2:b mountPath:3:s subPath:4:s mountPropagation:5:s* subPathExpr:6:s recursiveReadOnly:7:s*"
    ),
    "Probe": (
        "-:1:Handler initialDelaySeconds:2:i timeoutSeconds:3:i periodSeconds:4:i successThreshold:5:i "
        "failureThreshold:6:i terminationGracePeriodSeconds:7:i*"
    ),
    "Lifecycle": "postStart:1:LifecycleHandler* preStop:2:LifecycleHandler*",
    "Handler": "exec:1:ExecAction* httpGet:2:HTTPGetAction* tcpSocket:3:TCPSocketAction* grpc:4:GRPCAction*",
    "LifecycleHandler": "exec:1:ExecAction* httpGet:2:HTTPGetAction* tcpSocket:3:TCPSocketAction* sleep:4:SleepAction*",
    "ExecAction": "command:1:[]s",
    "HTTPGetAction": "path:1:s port:2:x host:3:s scheme:4:s httpHeaders:5:[]Pair",
    "TCPSocketAction": "port:1:x host:2:s",
    "GRPCAction": "port:1:i service:2:s*",
    "SleepAction": "seconds:1:i",
    "Pair": "name:1:s value:2:s",
    "SecurityContext": (
        "capabilities:1:Capabilities* privileged:2:b* runAsUser:4:i* runAsNonRoot:5:b* readOnlyRootFilesystem:6:b* "
        "allowPrivilegeEscalation:7:b* runAsGroup:8:i* procMount:9:s* seccompProfile:11:SeccompProfile*"
    ),
    "Capabilities": "add:1:[]s drop:2:[]s",
    "SeccompProfile": "type:1:s localhostProfile:2:s*",
    "PodSecurityContext": (
        "runAsUser:2:i* runAsNonRoot:3:b* supplementalGroups:4:[]i fsGroup:5:i* runAsGroup:6:i* sysctls:7:[]Pair "
        "fsGroupChangePolicy:9:s* seccompProfile:10:SeccompProfile*"
    ),
    "Toleration": "key:1:s operator:2:s value:3:s effect:4:s tolerationSeconds:5:i*",
    "HostAlias": "ip:1:s hostnames:2:[]s",
    "PodDNSConfig": "nameservers:1:[]s searches:2:[]s options:3:[]DNSOption",
    "DNSOption": "name:1:s value:2:s*",
    "PodReadinessGate": "conditionType:1:s",
    "TopologySpreadConstraint": (
        "maxSkew:1:i topologyKey:2:s whenUnsatisfiable:3:s labelSelector:4:LabelSelector* minDomains:5:i* "
        "nodeAffinityPolicy:6:s* nodeTaintsPolicy:7:s* matchLabelKeys:8:[]s"
    ),
    "Affinity": "nodeAffinity:1:NodeAffinity* podAffinity:2:PodAffinity* podAntiAffinity:3:PodAffinity*",
    "NodeAffinity": (
        "requiredDuringSchedulingIgnoredDuringExecution:1:NodeSelector* "
        "preferredDuringSchedulingIgnoredDuringExecution:2:[]PreferredSchedulingTerm"
    ),
    "NodeSelector": "nodeSelectorTerms:1:[]NodeSelectorTerm",
    "NodeSelectorTerm": "matchExpressions:1:[]Requirement matchFields:2:[]Requirement",
    "PreferredSchedulingTerm": "weight:1:i preference:2:NodeSelectorTerm",
    "PodAffinity": (
        "requiredDuringSchedulingIgnoredDuringExecution:1:[]PodAffinityTerm "
        "preferredDuringSchedulingIgnoredDuringExecution:2:[]WeightedPodAffinityTerm"
    ),
    "WeightedPodAffinityTerm": "weight:1:i podAffinityTerm:2:PodAffinityTerm",
    "PodAffinityTerm": (
        "labelSelector:1:LabelSelector* namespaces:2:[]s topologyKey:3:s namespaceSelector:4:LabelSelector* "
        "matchLabelKeys:5:[]s mismatchLabelKeys:6:[]s"
    ),
    # volumes
    "Volume": "name:1:s -:2:VolumeSource",
    "VolumeSource": (
        "hostPath:1:HostPath* emptyDir:2:EmptyDir* secret:6:SecretVolume* nfs:7:NFS* persistentVolumeClaim:10:Claim* "
        "downwardAPI:16:DownwardAPI* configMap:19:ConfigMapVolume* projected:26:Projected* csi:28:CSI*"
    ),
    "HostPath": "path:1:s type:2:s*",
    "EmptyDir": "medium:1:s sizeLimit:2:q",
    "SecretVolume": "secretName:1:s items:2:[]KeyToPath defaultMode:3:i* optional:4:b*",
    "ConfigMapVolume": "-:1:LocalObjectReference items:2:[]KeyToPath defaultMode:3:i* optional:4:b*",
    "KeyToPath": "key:1:s path:2:s mode:3:i*",
    "NFS": "server:1:s path:2:s readOnly:3:b",
    "Claim": "claimName:1:s readOnly:2:b",
    "DownwardAPI": "items:1:[]DownwardFile defaultMode:2:i*",
    "DownwardFile": (
        "path:1:s fieldRef:2:ObjectFieldSelector* resourceFieldRef:3:ResourceFieldSelector* mode:4:i*"
    ),
    "Projected": "sources:1:[]Projection defaultMode:2:i*",
    "Projection": (
        "secret:1:KeyProjection* downwardAPI:2:DownwardAPI* configMap:3:KeyProjection* "
        "serviceAccountToken:4:TokenProjection*"
    ),
    "KeyProjection": "-:1:LocalObjectReference items:2:[]KeyToPath optional:4:b*",
    "TokenProjection": "audience:1:s expirationSeconds:2:i* path:3:s",
    "CSI": "driver:1:s readOnly:2:b* fsType:3:s* volumeAttributes:4:n nodePublishSecretRef:5:LocalObjectReference*",
    # the rest
    "NamespaceSpec": "finalizers:1:[]s",
    "ServiceSpec": (
        "ports:1:[]ServicePort selector:2:n clusterIP:3:s type:4:s externalIPs:5:[]s sessionAffinity:7:s "
        "loadBalancerIP:8:s loadBalancerSourceRanges:9:[]s externalName:10:s externalTrafficPolicy:11:s "
        "healthCheckNodePort:12:i publishNotReadyAddresses:13:b ipFamilyPolicy:17:s* clusterIPs:18:[]s "
        "ipFamilies:19:[]s allocateLoadBalancerNodePorts:20:b* loadBalancerClass:21:s* internalTrafficPolicy:22:s* "
        "trafficDistribution:23:s*"
    ),
    "ServicePort": "name:1:s protocol:2:s port:3:i targetPort:4:x nodePort:5:i appProtocol:6:s*",
    "ResourceQuotaSpec": "hard:1:Q scopes:2:[]s scopeSelector:3:ScopeSelector*",
    "ScopeSelector": "matchExpressions:1:[]ScopeRequirement",
    "ScopeRequirement": "scopeName:1:s operator:2:s values:3:[]s",
    "PodDisruptionBudgetSpec": (
        "minAvailable:1:x selector:2:LabelSelector* maxUnavailable:3:x unhealthyPodEvictionPolicy:4:s*"
    ),
    "PolicyRule": "verbs:1:[]s apiGroups:2:[]s resources:3:[]s resourceNames:4:[]s nonResourceURLs:5:[]s",
    "AggregationRule": "clusterRoleSelectors:1:[]LabelSelector",
    "Subject": "kind:1:s apiGroup:2:s name:3:s namespace:4:s",
    "RoleRef": "apiGroup:1:s kind:2:s name:3:s",
    "IngressSpec": (
        "defaultBackend:1:IngressBackend* tls:2:[]IngressTLS rules:3:[]IngressRule ingressClassName:4:s*"
    ),
    "IngressTLS": "hosts:1:[]s secretName:2:s",
    "IngressRule": "host:1:s -:2:IngressRuleValue",
    "IngressRuleValue": "http:1:HTTPRule*",
    "HTTPRule": "paths:1:[]HTTPPath",
    "HTTPPath": "path:1:s backend:2:IngressBackend pathType:3:s*",
    "IngressBackend": "resource:3:TypedReference* service:4:IngressService*",
    "TypedReference": "apiGroup:1:s* kind:2:s name:3:s",
    "IngressService": "name:1:s port:2:IngressPort",
    "IngressPort": "name:1:s number:2:i",
    "HorizontalPodAutoscalerSpec": (
        "scaleTargetRef:1:CrossVersionReference minReplicas:2:i* maxReplicas:3:i targetCPUUtilizationPercentage:4:i*"
    ),
    "CrossVersionReference": "kind:1:s name:2:s apiVersion:3:s",
    "TokenRequestSpec": "audiences:1:[]s boundObjectRef:3:BoundReference* expirationSeconds:4:i*",
    "BoundReference": "kind:1:s apiVersion:2:s name:3:s uid:4:s",
    "ScaleSpec": "replicas:1:i*",
    "SelfSubjectAccessReviewSpec": (
        "resourceAttributes:1:ResourceAttributes* nonResourceAttributes:2:NonResourceAttributes*"
    ),
    "SubjectAccessReviewSpec": (
        "resourceAttributes:1:ResourceAttributes* nonResourceAttributes:2:NonResourceAttributes* user:3:s groups:4:[]s "
        "uid:6:s"
    ),
    "SelfSubjectRulesReviewSpec": "namespace:1:s",
    "ResourceAttributes": "namespace:1:s verb:2:s group:3:s version:4:s resource:5:s subresource:6:s name:7:s",
    "NonResourceAttributes": "path:1:s verb:2:s",
}  # fmt: skip
